package org.filigree.kvcache;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a snapshot holds. Which form a cache had does not matter to one that takes its rows, so a snapshot does not say: a ring shows in rows
 * that do not begin at token 0, a compressed cache in its layer's ratio.
 *
 * @param version of the file's layout
 * @param label what the rows were computed from, in the writer's words
 * @param layers for every layer the parts of its rows, {@code (latent [512] + rotary key [64])}, or for a compressed cache those of tokens, the
 *     tokens of a run, and those of entries, {@code [(key [4]) / 2 (entry [3])]}
 * @param caches the caches that hold rows, layer by layer, in a compressed one tokens before entries
 * @param bytes of the whole file
 */
public record SnapshotDescription(int version, String label, List<String> layers, List<Rows> caches, long bytes) {
    /**
     * The rows of one cache.
     *
     * @param oldest first token, or entry, whose row is there
     * @param length tokens, or entries, in all: rows are there from {@code oldest} on
     * @param planes how the rows are stored
     */
    public record Rows(int oldest, int length, List<Plane> planes) {
        /** Copies the list. */
        public Rows {
            planes = List.copyOf(planes);
        }

        @Override
        public String toString() {
            return "rows " + oldest + "…" + length + " of "
                    + planes.stream().map(Plane::toString).collect(Collectors.joining(" and "));
        }
    }

    /**
     * Parts that are stored together.
     *
     * @param stored the parts and their format
     * @param bytes of all rows
     */
    public record Plane(String stored, long bytes) {
        @Override
        public String toString() {
            return stored + ", " + bytes + " bytes";
        }
    }

    /** Copies the lists. */
    public SnapshotDescription {
        layers = List.copyOf(layers);
        caches = List.copyOf(caches);
    }

    static SnapshotDescription read(Path path) throws IOException {
        try (SnapshotFile file = SnapshotFile.open("snapshot describe", path)) {
            SnapshotHeader header = SnapshotHeader.read(file);
            return new SnapshotDescription(
                    SnapshotHeader.VERSION,
                    header.label(),
                    header.layers(),
                    header.caches().stream().map(SnapshotDescription::rows).toList(),
                    file.size());
        } catch (UncheckedIOException unreadable) {
            throw unreadable.getCause();
        }
    }

    private static Rows rows(SnapshotHeader.Cache cache) {
        return new Rows(
                cache.oldest(),
                cache.length(),
                cache.planes().stream()
                        .map(plane -> new Plane(plane.description(), plane.bytes()))
                        .toList());
    }

    /** {@return a line for the whole, one for each layer, and one for each cache of rows} */
    @Override
    public String toString() {
        String of = "snapshot of version " + version + ", '" + label + "', " + bytes + " bytes";
        return of + lines("layer ", layers) + lines("cache ", caches);
    }

    private static String lines(String what, List<?> items) {
        return IntStream.range(0, items.size())
                .mapToObj(i -> "\n  " + what + i + ": " + items.get(i))
                .collect(Collectors.joining());
    }
}
