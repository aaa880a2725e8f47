package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * A row layout and how it is stored: in planes, each a run of adjoining parts in one format. Planes lie apart, so a scan over an indexer's
 * keys does not pull latents through memory; parts of one plane lie together, as the released layouts have latent and rotary key.
 *
 * @param planes the planes, in the order of the parts, at least one
 */
public record RowStorage(List<Plane> planes) {
    /**
     * A run of parts in one format.
     *
     * @param parts the parts, at least one
     * @param format a format as wide as the parts together
     */
    public record Plane(List<RowLayout.Part> parts, RowFormat format) {
        /** Checks the width. */
        public Plane {
            parts = List.copyOf(parts);
            int width = new RowLayout(parts).width();
            if (width != format.width()) {
                throw new IllegalArgumentException("row storage: the parts " + new RowLayout(parts) + " are " + width
                        + " wide but " + format + " has rows of " + format.width()
                        + "; make the format of their width, in FP8 with TiledRows.fp8(coded, rotary, tile)");
            }
        }
    }

    /** Checks that there is a plane and that part names differ. */
    public RowStorage {
        planes = List.copyOf(planes);
        new RowLayout(planes.stream().flatMap(plane -> plane.parts().stream()).toList());
    }

    /**
     * Every part a plane of its own, unrounded.
     *
     * @param layout what a row consists of
     * @return the storage
     */
    public static RowStorage float32(RowLayout layout) {
        return new RowStorage(layout.parts().stream()
                .map(part -> new Plane(List.of(part), new Float32Rows(part.width())))
                .toList());
    }

    /**
     * Every part a plane of its own, rounded to bfloat16.
     *
     * @param layout what a row consists of
     * @return the storage
     */
    public static RowStorage bfloat16(RowLayout layout) {
        return new RowStorage(layout.parts().stream()
                .map(part -> new Plane(List.of(part), new BFloat16Rows(part.width())))
                .toList());
    }

    /**
     * This storage, but for some adjoining parts, which share the rows of a format. They must fill whole planes of this storage.
     *
     * @param format as wide as the parts together
     * @param parts names of adjoining parts, in the order of the layout
     * @return a new storage
     * @throws KvCacheException if there is no such part
     * @throws IllegalArgumentException if the parts do not adjoin, cut a plane, or are of another width than the format
     */
    public RowStorage with(RowFormat format, String... parts) {
        Check.positive("row storage: parts in a plane", parts.length);
        RowLayout layout = layout();
        int first = layout.index(parts[0]);
        for (int i = 1; i < parts.length; i++) {
            if (layout.index(parts[i]) != first + i) {
                throw new IllegalArgumentException(
                        "row storage: " + String.join(", ", parts) + " do not adjoin in this order in " + layout);
            }
        }
        var changed = new ArrayList<Plane>();
        int part = 0;
        for (Plane plane : planes) {
            int end = part + plane.parts().size();
            if (part == first) {
                changed.add(new Plane(layout.parts().subList(first, first + parts.length), format));
            }
            if (end <= first || part >= first + parts.length) {
                changed.add(plane);
            }
            part = end;
        }
        RowStorage result = new RowStorage(changed);
        if (!result.layout().equals(layout)) {
            throw new IllegalArgumentException("row storage: " + String.join(", ", parts) + " cut a plane of " + this
                    + " in two; name all of its parts");
        }
        return result;
    }

    /** {@return what a row consists of} */
    public RowLayout layout() {
        return new RowLayout(
                planes.stream().flatMap(plane -> plane.parts().stream()).toList());
    }

    /**
     * What a reader gets back of rows once they are stored.
     *
     * @param rows one FLOAT32 tensor [rows, width] for every part in order, or for the parts of the first planes
     * @return tensors of the same shapes, widened from what would be stored; the very same where a format rounds nothing
     * @throws ShapeException if the tensors do not match the parts, or are some of a plane, whose parts may share a scale
     */
    public List<Tensor> asStored(List<Tensor> rows) {
        int whole = 0;
        int parts = 0;
        while (whole < planes.size() && parts < rows.size()) {
            parts += planes.get(whole).parts().size();
            whole++;
        }
        if (whole == 0 || parts != rows.size()) {
            throw new ShapeException("asStored: " + rows.size() + " tensors are not the parts of the first planes of "
                    + this + "; give one for each part of a plane, in this order");
        }
        var first = new RowStorage(planes.subList(0, whole));
        AppendCheck.shapes("asStored", first.layout(), rows);
        return RoundTrip.of(first.planes, rows);
    }

    /** {@return what the formats themselves take for a row, without what rounds pages up} */
    public int bytesPerRow() {
        return planes.stream().mapToInt(plane -> plane.format().bytesPerRow()).reduce(0, Math::addExact);
    }

    @Override
    public String toString() {
        return planes.stream()
                .map(SnapshotHeader::description)
                .collect(Collectors.joining(", ", "RowStorage{", ", " + bytesPerRow() + " bytes a row}"));
    }
}
