package org.filigree.kvcache;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Compares all of a snapshot before it takes the first row, and again what it took. */
final class SnapshotReader {
    private static final String OPERATION = "snapshot restore";

    private final SnapshotFile file;
    private final String operation;
    private final SequenceCache into;
    private final List<SnapshotCaches.Leaf> leaves;

    private SnapshotReader(SnapshotFile file, SequenceCache into) {
        this.file = file;
        this.operation = file.operation();
        this.into = into;
        this.leaves = SnapshotCaches.leaves(operation, into);
    }

    static void restore(Path path, String label, SequenceCache into) throws IOException {
        try (SnapshotFile file = SnapshotFile.open(OPERATION, path)) {
            new SnapshotReader(file, into).restore(label);
        } catch (UncheckedIOException unreadable) {
            throw unreadable.getCause();
        }
    }

    private void restore(String label) {
        SnapshotHeader header = SnapshotHeader.read(file);
        requireFitting(header, label);
        List<SavedRows> rows = rows(header);
        rows.forEach(saved -> saved.planes().forEach(SavedPlane::compare));
        int taken = 0;
        try {
            for (; taken < rows.size(); taken++) {
                leaves.get(taken).stored().restore(rows.get(taken));
            }
        } catch (RuntimeException | Error failure) {
            leaves.subList(0, taken).forEach(leaf -> empty(leaf.cache(), failure));
            throw failure;
        }
    }

    /** A cache that was closed meanwhile cannot be emptied, which must not hide why, nor keep rows in the others. */
    private static void empty(KvCache cache, Throwable failure) {
        try {
            cache.truncate(0);
        } catch (RuntimeException closed) {
            failure.addSuppressed(closed);
        }
    }

    private void requireFitting(SnapshotHeader header, String label) {
        if (!header.label().equals(label)) {
            throw file.refused("was written for '" + header.label() + "', not for '" + label
                    + "'; give the label that it was written with, if its rows are those of this model and prompt");
        }
        requireShape(header);
        for (int c = 0; c < leaves.size(); c++) {
            requirePlanes(leaves.get(c), header.caches().get(c));
        }
        Optional<String> contradiction = SnapshotCaches.contradiction(
                into, header.caches().stream().map(SnapshotHeader.Cache::length).toList());
        if (contradiction.isPresent()) {
            throw file.refused("is out of step: " + contradiction.get()
                    + "; it was written in the middle of a pass, compute the rows again");
        }
        for (int c = 0; c < leaves.size(); c++) {
            requireRoom(leaves.get(c), header.caches().get(c));
        }
    }

    private void requireShape(SnapshotHeader header) {
        List<String> shapes = SnapshotCaches.shapes(into);
        List<String> saved = header.layers();
        if (saved.size() != shapes.size()) {
            throw file.refused("holds " + saved.size() + (saved.size() == 1 ? " layer" : " layers")
                    + " but the sequence has " + shapes.size() + "; restore into a sequence of as many layers");
        }
        for (int layer = 0; layer < shapes.size(); layer++) {
            if (!saved.get(layer).equals(shapes.get(layer))) {
                throw file.refused("holds in layer " + layer + " " + saved.get(layer) + " but the caches are "
                        + shapes.get(layer) + "; restore into caches of the same parts and ratios");
            }
        }
        if (header.caches().size() != leaves.size()) {
            throw file.damaged("contradicts itself: " + header.caches().size()
                    + " caches of rows are not those of layers " + saved);
        }
    }

    private void requirePlanes(SnapshotCaches.Leaf leaf, SnapshotHeader.Cache saved) {
        List<String> planes = leaf.planes();
        List<String> savedPlanes =
                saved.planes().stream().map(SnapshotHeader.Plane::description).toList();
        if (!planes.equals(savedPlanes)) {
            throw file.refused("holds rows " + savedPlanes + " but " + leaf.name() + " stores " + planes
                    + "; restore into caches of the same storage");
        }
        long rows = (long) saved.length() - saved.oldest();
        for (int p = 0; p < planes.size(); p++) {
            int bytesPerRow = leaf.stored().storage().planes().get(p).format().bytesPerRow();
            long bytes = saved.planes().get(p).bytes();
            if (rows * bytesPerRow != bytes) {
                throw file.damaged("contradicts itself: in " + leaf.name() + " " + rows + " rows of " + bytesPerRow
                        + " bytes are not " + bytes + " bytes");
            }
        }
    }

    private void requireRoom(SnapshotCaches.Leaf leaf, SnapshotHeader.Cache saved) {
        int held = ClosedCache.during(operation, leaf.name(), () -> leaf.cache().length());
        if (held != 0) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    operation + ": " + leaf.name() + " holds " + held + " tokens; restore into an empty one");
        }
        Optional<String> refusal = leaf.stored().refusal(saved.oldest(), saved.length());
        if (refusal.isPresent()) {
            throw new KvCacheException(
                    saved.length() > leaf.cache().capacity()
                            ? KvCacheException.Reason.EXHAUSTED
                            : KvCacheException.Reason.LENGTH,
                    operation + ": " + leaf.name() + " cannot take it: " + refusal.get());
        }
    }

    private List<SavedRows> rows(SnapshotHeader header) {
        long offset = file.size() - header.planeBytes();
        var rows = new ArrayList<SavedRows>();
        for (int c = 0; c < leaves.size(); c++) {
            SnapshotHeader.Cache cache = header.caches().get(c);
            var planes = new ArrayList<SavedPlane>();
            for (SnapshotHeader.Plane plane : cache.planes()) {
                String name = leaves.get(c).name() + ", parts " + plane.description();
                planes.add(new SavedPlane(file, name, offset, plane.bytes(), plane.checksum()));
                offset += plane.bytes();
            }
            rows.add(new SavedRows(cache.oldest(), cache.length(), List.copyOf(planes)));
        }
        return rows;
    }
}
