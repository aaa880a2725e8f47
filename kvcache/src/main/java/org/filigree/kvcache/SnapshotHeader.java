package org.filigree.kvcache;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * What stands before the rows of a snapshot: {@code FILIGKVC}, version, bytes of the content, CRC32C of the content, then the content.
 *
 * @param label what the rows were computed from, in the writer's words
 * @param layers for every layer, how its caches hang together
 * @param caches what is saved of each cache of rows
 */
record SnapshotHeader(String label, List<String> layers, List<Cache> caches) {
    private static final byte[] MAGIC = {'F', 'I', 'L', 'I', 'G', 'K', 'V', 'C'};
    static final int VERSION = 2;
    private static final int PREFIX_BYTES = MAGIC.length + 3 * Integer.BYTES;

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
                .reduce(0, Math::addExact);
    }

    /** The same with the checksums of all planes, in their order. */
    SnapshotHeader summed(List<Integer> checksums) {
        var remaining = checksums.iterator();
        return new SnapshotHeader(
                label,
                layers,
                caches.stream()
                        .map(cache -> new Cache(
                                cache.oldest,
                                cache.length,
                                cache.planes.stream()
                                        .map(plane -> new Plane(plane.description, plane.bytes, remaining.next()))
                                        .toList()))
                        .toList());
    }

    /** Everything that stands before the rows; as long whatever the checksums are. */
    ByteBuffer bytes() {
        byte[] content = content();
        return ByteBuffer.allocate(PREFIX_BYTES + content.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC)
                .putInt(VERSION)
                .putInt(content.length)
                .putInt(checksum(content))
                .put(content)
                .flip();
    }

    private byte[] content() {
        var bytes = new ByteArrayOutputStream();
        var out = new DataOutputStream(bytes);
        try {
            out.writeUTF(label);
            out.writeInt(layers.size());
            for (String layer : layers) {
                out.writeUTF(layer);
            }
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
        } catch (IOException tooLong) {
            throw new UncheckedIOException("snapshot write: a label or a layout does not fit into the header", tooLong);
        }
        return bytes.toByteArray();
    }

    /**
     * Reads what {@link #bytes} wrote, after comparing its checksum, and compares the length of the file. Reads nothing else of it.
     *
     * @param file what was written
     */
    static SnapshotHeader read(SnapshotFile file) {
        long size = file.size();
        if (size < PREFIX_BYTES) {
            throw file.damaged(
                    "is cut short in its header: it has " + size + " bytes but a snapshot begins with " + PREFIX_BYTES);
        }
        ByteBuffer prefix = ByteBuffer.allocate(PREFIX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        file.read(0, prefix);
        byte[] magic = new byte[MAGIC.length];
        prefix.get(magic);
        if (!Arrays.equals(magic, MAGIC)) {
            throw file.refused("is no snapshot of caches: it does not begin with FILIGKVC");
        }
        int version = prefix.getInt();
        if (version != VERSION) {
            throw file.refused("is of version " + version + " but this library reads version " + VERSION + "; "
                    + (version > VERSION ? "read it with a later library" : "compute the rows again")
                    + ", if it is not damaged");
        }
        int length = prefix.getInt();
        int expected = prefix.getInt();
        if (length < 0 || length > size - PREFIX_BYTES) {
            throw file.damaged("is cut short in its header, or damaged: the header takes "
                    + (PREFIX_BYTES + (long) length) + " bytes but the file has " + size);
        }
        byte[] content = new byte[length];
        file.read(PREFIX_BYTES, ByteBuffer.wrap(content));
        if (checksum(content) != expected) {
            throw file.damaged("is damaged: " + mismatch("its header", expected, checksum(content)));
        }
        return parse(file, content);
    }

    private static SnapshotHeader parse(SnapshotFile file, byte[] content) {
        try {
            SnapshotHeader header = parse(content);
            long written = Math.addExact(PREFIX_BYTES + content.length, header.planeBytes());
            if (file.size() < written) {
                throw file.damaged("is cut short: it has " + file.size() + " bytes but " + written + " were written");
            }
            if (file.size() > written) {
                throw file.damaged(
                        "is longer than written: it has " + file.size() + " bytes but " + written + " were written");
            }
            return header;
        } catch (EOFException end) {
            throw file.damaged("contradicts itself: its header ends before what it says");
        } catch (IOException | ArithmeticException malformed) {
            throw file.damaged("has a header that cannot be read: " + malformed.getMessage());
        }
    }

    private static SnapshotHeader parse(byte[] content) throws IOException {
        var in = new DataInputStream(new ByteArrayInputStream(content));
        String label = in.readUTF();
        var layers = new ArrayList<String>();
        int layerCount = in.readInt();
        for (int layer = 0; layer < layerCount; layer++) {
            layers.add(in.readUTF());
        }
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
            if (oldest < 0 || length < oldest || planes.stream().anyMatch(plane -> plane.bytes < 0)) {
                throw new IOException("it contradicts itself: cache " + c + " has tokens " + oldest + " to " + length
                        + " in planes of " + planes.stream().map(Plane::bytes).toList() + " bytes");
            }
            caches.add(new Cache(oldest, length, List.copyOf(planes)));
        }
        if (in.read() >= 0) {
            throw new IOException("it is longer than what it says");
        }
        return new SnapshotHeader(label, List.copyOf(layers), List.copyOf(caches));
    }

    private static int checksum(byte[] bytes) {
        CRC32C checksum = new CRC32C();
        checksum.update(bytes);
        return (int) checksum.getValue();
    }

    /** What a reader says about a checksum that is another. */
    static String mismatch(String what, int written, int read) {
        return "the checksum of " + what + " is " + Integer.toHexString(read) + " but was "
                + Integer.toHexString(written) + " when written";
    }
}
