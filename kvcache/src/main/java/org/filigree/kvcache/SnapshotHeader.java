package org.filigree.kvcache;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * What stands before the rows of a snapshot.
 *
 * @param label what the rows were computed from, in the writer's words
 * @param shape how the caches hang together
 * @param caches what is saved of each
 */
record SnapshotHeader(String label, String shape, List<Cache> caches) {
    /**
     * One cache of rows.
     *
     * @param oldest first token whose row there is
     * @param length tokens in all
     * @param planes its planes
     */
    record Cache(int oldest, int length, List<Plane> planes) {}

    /**
     * One plane.
     *
     * @param description parts and format
     * @param bytes how many
     * @param checksum CRC32C of them
     */
    record Plane(String description, long bytes, int checksum) {}

    /** Parts and bytes of a row; how a writer chose scales, and where its pages began, does not matter to a reader. */
    static String description(RowStorage.Plane plane) {
        return new RowLayout(plane.parts()) + " as "
                + switch (plane.format()) {
                    case Float32Rows _ -> "float32";
                    case BFloat16Rows _ -> "bfloat16";
                    case TiledRows tiled ->
                        tiled.coded() + " " + tiled.code() + " by " + tiled.tile() + " with " + tiled.scale() + " "
                                + tiled.placement() + ", " + tiled.rotary() + " bfloat16";
                };
    }

    /** Bytes of all planes. */
    long planeBytes() {
        return caches.stream()
                .flatMap(cache -> cache.planes.stream())
                .mapToLong(Plane::bytes)
                .sum();
    }

    byte[] bytes() throws IOException {
        var bytes = new ByteArrayOutputStream();
        var out = new DataOutputStream(bytes);
        out.writeUTF(label);
        out.writeUTF(shape);
        out.writeInt(caches.size());
        for (Cache cache : caches) {
            out.writeInt(cache.oldest);
            out.writeInt(cache.length);
            out.writeInt(cache.planes.size());
            for (Plane plane : cache.planes) {
                out.writeUTF(plane.description);
                out.writeLong(plane.bytes);
                out.writeInt(plane.checksum);
            }
        }
        return bytes.toByteArray();
    }

    /** Reads what {@link #bytes} wrote, and not a byte more; its checksum has been compared before. */
    static SnapshotHeader read(byte[] bytes) throws IOException {
        var in = new DataInputStream(new ByteArrayInputStream(bytes));
        String label = in.readUTF();
        String shape = in.readUTF();
        var caches = new ArrayList<Cache>();
        int count = in.readInt();
        for (int c = 0; c < count; c++) {
            int oldest = in.readInt();
            int length = in.readInt();
            int planeCount = in.readInt();
            var planes = new ArrayList<Plane>();
            for (int p = 0; p < planeCount; p++) {
                planes.add(new Plane(in.readUTF(), in.readLong(), in.readInt()));
            }
            caches.add(new Cache(oldest, length, List.copyOf(planes)));
        }
        if (in.read() >= 0) {
            throw new IOException("the header is longer than what it says");
        }
        return new SnapshotHeader(label, shape, List.copyOf(caches));
    }
}
