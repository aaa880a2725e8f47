package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.filigree.core.tensor.Check;

/**
 * What a token leaves in a cache: named parts of fixed width, such as a latent of 512, a rotary key of 64 and an indexer key of 128.
 *
 * @param parts the parts, in order, at least one, with different names
 */
public record RowLayout(List<Part> parts) {
    /**
     * One part of a row.
     *
     * @param name its name, for example {@code latent}
     * @param width how many numbers
     */
    public record Part(String name, int width) {
        /** Checks name and width. */
        public Part {
            if (name.isBlank()) {
                throw new IllegalArgumentException("row layout: a part of width " + width + " has no name");
            }
            Check.positive("row layout: width of " + name, width);
        }
    }

    /** Checks that there is a part and that names differ. */
    public RowLayout {
        parts = List.copyOf(parts);
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("row layout: a row must have at least one part but none was given");
        }
        var names = new HashSet<String>();
        for (Part part : parts) {
            if (!names.add(part.name())) {
                throw new IllegalArgumentException("row layout: two of the parts " + parts + " are called '"
                        + part.name() + "'; give each a name of its own");
            }
        }
    }

    /**
     * A layout of one part.
     *
     * @param name its name
     * @param width how many numbers
     * @return the layout
     */
    public static RowLayout of(String name, int width) {
        return new RowLayout(List.of(new Part(name, width)));
    }

    /**
     * This layout and one more part.
     *
     * @param name its name
     * @param width how many numbers
     * @return a new layout
     */
    public RowLayout with(String name, int width) {
        var more = new ArrayList<>(parts);
        more.add(new Part(name, width));
        return new RowLayout(more);
    }

    /** {@return how many numbers a row has in all} */
    public int width() {
        return parts.stream().mapToInt(Part::width).reduce(0, Math::addExact);
    }

    /**
     * Where a part stands.
     *
     * @param name its name
     * @return its place in {@link #parts}
     * @throws KvCacheException if there is no such part
     */
    public int index(String name) {
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i).name().equals(name)) {
                return i;
            }
        }
        throw new KvCacheException(
                KvCacheException.Reason.LAYOUT,
                "row layout: rows " + this + " have no part called '" + name + "'; name one of these");
    }

    @Override
    public String toString() {
        return parts.stream()
                .map(part -> part.name() + " [" + part.width() + "]")
                .collect(Collectors.joining(" + ", "(", ")"));
    }
}
