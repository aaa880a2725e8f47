package org.filigree.kvcache;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.filigree.core.io.AtomicFile;

/**
 * The caches of a sequence in a file, row by row as they are stored, so that a later process goes on where this one stopped. What comes back
 * is the same to the last bit. Pages are not saved: a sequence written from one form may come back into another, of another capacity or block
 * size, if its rows are stored in the same formats.
 *
 * <p>The file begins with {@code FILIGKVC}, then little endian: version, bytes of the header, CRC32C of the header; then the header,
 * which names every plane with its size and CRC32C; then the planes. It appears whole or not at all, and is read only if every byte of it
 * is as it was written.
 */
public final class CacheSnapshot {
    private static final byte[] MAGIC = {'F', 'I', 'L', 'I', 'G', 'K', 'V', 'C'};
    private static final int VERSION = 1;
    private static final int PREFIX_BYTES = MAGIC.length + 3 * Integer.BYTES;
    private static final int BUFFER_BYTES = 1 << 20;

    private CacheSnapshot() {}

    /**
     * Writes the caches of a sequence, which are not changed. They may be read meanwhile but not appended to: layers, and the tokens and
     * entries of a {@link CompressedKvCache}, are looked at one after the other, so a token appended in between would be in some and not in
     * others.
     *
     * @param file to be created or replaced
     * @param label what the rows were computed from: the checkpoint, say, and a digest of the token ids
     * @param sequence the caches
     * @throws IOException if the file cannot be written; an older one is still there then
     * @throws KvCacheException if a cache is closed, was truncated meanwhile, or is no cache of this library
     */
    public static void write(Path file, String label, SequenceCache sequence) throws IOException {
        var caches = new ArrayList<SnapshotHeader.Cache>();
        var planes = new ArrayList<StoredRows>();
        for (RestorableCache cache : leaves(sequence)) {
            CacheRows rows = cache.rows();
            List<StoredRows> stored = rows.stored();
            var described = new ArrayList<SnapshotHeader.Plane>();
            for (int p = 0; p < stored.size(); p++) {
                String description =
                        SnapshotHeader.description(cache.storage().planes().get(p));
                long bytes = (long) rows.count() * stored.get(p).format().bytesPerRow();
                described.add(new SnapshotHeader.Plane(description, bytes, 0));
            }
            caches.add(new SnapshotHeader.Cache(rows.firstToken(), rows.firstToken() + rows.count(), described));
            planes.addAll(stored);
        }
        SnapshotHeader unsummed = new SnapshotHeader(label, shape(sequence), caches);
        AtomicFile.write(file, channel -> {
            channel.position(PREFIX_BYTES + unsummed.bytes().length);
            List<Integer> checksums = new ArrayList<>();
            for (StoredRows plane : planes) {
                checksums.add(writePlane(channel, plane));
            }
            byte[] header = summed(unsummed, checksums).bytes();
            ByteBuffer prefix = ByteBuffer.allocate(PREFIX_BYTES + header.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .put(MAGIC)
                    .putInt(VERSION)
                    .putInt(header.length)
                    .putInt(checksum(ByteBuffer.wrap(header)))
                    .put(header)
                    .flip();
            channel.position(0);
            writeFully(channel, prefix);
        });
    }

    private static SnapshotHeader summed(SnapshotHeader header, List<Integer> checksums) {
        var remaining = checksums.iterator();
        var caches = new ArrayList<SnapshotHeader.Cache>();
        for (SnapshotHeader.Cache cache : header.caches()) {
            caches.add(new SnapshotHeader.Cache(
                    cache.oldest(),
                    cache.length(),
                    cache.planes().stream()
                            .map(plane ->
                                    new SnapshotHeader.Plane(plane.description(), plane.bytes(), remaining.next()))
                            .toList()));
        }
        return new SnapshotHeader(header.label(), header.shape(), caches);
    }

    /** Data of all rows, then scales of all rows; gives the checksum of both. */
    private static int writePlane(FileChannel channel, StoredRows rows) throws IOException {
        CRC32C checksum = new CRC32C();
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        int data = rows.format().rowBytes();
        int scales = rows.format().scaleBytes();
        for (int row = 0; row < rows.count(); row += rows.adjoining(row)) {
            writeRange(channel, rows, rows.offset(row), (long) rows.adjoining(row) * data, checksum, buffer);
        }
        for (int row = 0; scales > 0 && row < rows.count(); row += rows.adjoining(row)) {
            writeRange(channel, rows, rows.scaleOffset(row), (long) rows.adjoining(row) * scales, checksum, buffer);
        }
        flush(channel, checksum, buffer);
        rows.requireCurrent();
        return (int) checksum.getValue();
    }

    private static void writeRange(
            FileChannel channel, StoredRows rows, long offset, long bytes, CRC32C checksum, ByteBuffer buffer)
            throws IOException {
        for (long done = 0; done < bytes; ) {
            if (!buffer.hasRemaining()) {
                flush(channel, checksum, buffer);
            }
            int part = (int) Math.min(bytes - done, buffer.remaining());
            rows.copy(offset + done, part, buffer);
            done += part;
        }
    }

    private static void flush(FileChannel channel, CRC32C checksum, ByteBuffer buffer) throws IOException {
        buffer.flip();
        checksum.update(buffer.duplicate());
        writeFully(channel, buffer);
        buffer.clear();
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static int checksum(ByteBuffer bytes) {
        CRC32C checksum = new CRC32C();
        checksum.update(bytes);
        return (int) checksum.getValue();
    }

    /**
     * Reads the caches of a sequence. Everything is checked before the first row is taken: caches that were not empty are refused as they
     * are, and after any other exception all are empty, but for those that were closed meanwhile.
     *
     * @param file what {@link #write} wrote
     * @param label what the rows must have been computed from
     * @param into empty caches for as many layers, whose rows are stored in the same formats
     * @throws IOException if the file cannot be read
     * @throws KvCacheException if the file is no snapshot, is damaged or cut short, was written by a later version, under another label or
     *     for other caches, or if the caches are not empty, closed, or too small
     */
    public static void restore(Path file, String label, SequenceCache into) throws IOException {
        List<RestorableCache> caches = leaves(into);
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            SnapshotHeader header = header(file, bytes);
            requireFitting(file, header, label, shape(into), caches);
            List<SavedRows> rows = rows(file, header, bytes);
            try {
                for (int c = 0; c < rows.size(); c++) {
                    caches.get(c).restore(rows.get(c));
                }
            } catch (RuntimeException | Error failure) {
                caches.forEach(cache -> empty(cache, failure));
                throw failure;
            }
        }
    }

    /** A cache that was closed meanwhile cannot be emptied, which must not hide why, nor keep rows in the others. */
    private static void empty(RestorableCache cache, Throwable failure) {
        try {
            cache.truncate(0);
        } catch (RuntimeException closed) {
            failure.addSuppressed(closed);
        }
    }

    private static SnapshotHeader header(Path file, MemorySegment bytes) {
        if (bytes.byteSize() < PREFIX_BYTES) {
            throw refused(file, "has " + bytes.byteSize() + " bytes, fewer than a snapshot begins with");
        }
        ByteBuffer prefix = bytes.asSlice(0, PREFIX_BYTES).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = new byte[MAGIC.length];
        prefix.get(magic);
        if (!Arrays.equals(magic, MAGIC)) {
            throw refused(file, "is no snapshot of caches: it does not begin with FILIGKVC");
        }
        int version = prefix.getInt();
        if (version != VERSION) {
            throw refused(file, "is of version " + version + "; this library reads version " + VERSION);
        }
        int length = prefix.getInt();
        int expected = prefix.getInt();
        if (length < 0 || length > bytes.byteSize() - PREFIX_BYTES) {
            throw refused(
                    file,
                    "is cut short or damaged: its header should have " + length + " bytes but the file has "
                            + bytes.byteSize());
        }
        MemorySegment content = bytes.asSlice(PREFIX_BYTES, length);
        if (checksum(content.asByteBuffer()) != expected) {
            throw refused(file, "is damaged: the checksum of its header is wrong");
        }
        try {
            SnapshotHeader header = SnapshotHeader.read(content.toArray(ValueLayout.JAVA_BYTE));
            long expectedBytes = PREFIX_BYTES + length + header.planeBytes();
            if (bytes.byteSize() != expectedBytes) {
                throw refused(
                        file,
                        "is cut short or damaged: it has " + bytes.byteSize() + " bytes but should have "
                                + expectedBytes);
            }
            return header;
        } catch (IOException malformed) {
            throw refused(file, "has a header that cannot be read: " + malformed.getMessage());
        }
    }

    private static void requireFitting(
            Path file, SnapshotHeader header, String label, String shape, List<RestorableCache> caches) {
        if (!header.label().equals(label)) {
            throw refused(file, "was written for '" + header.label() + "', not for '" + label + "'");
        }
        if (!header.shape().equals(shape) || header.caches().size() != caches.size()) {
            throw refused(file, "holds " + header.shape() + " but the caches are " + shape);
        }
        for (int c = 0; c < caches.size(); c++) {
            RestorableCache cache = caches.get(c);
            SnapshotHeader.Cache saved = header.caches().get(c);
            List<String> planes = cache.storage().planes().stream()
                    .map(SnapshotHeader::description)
                    .toList();
            List<String> savedPlanes = saved.planes().stream()
                    .map(SnapshotHeader.Plane::description)
                    .toList();
            if (!planes.equals(savedPlanes)) {
                throw refused(file, "holds rows " + savedPlanes + " but cache " + c + " stores " + planes);
            }
            for (int p = 0; p < planes.size(); p++) {
                int bytesPerRow = cache.storage().planes().get(p).format().bytesPerRow();
                long rows = (long) saved.length() - saved.oldest();
                if (saved.oldest() < 0
                        || rows < 0
                        || rows * bytesPerRow != saved.planes().get(p).bytes()) {
                    throw refused(
                            file,
                            "contradicts itself: " + rows + " rows of " + bytesPerRow + " bytes are not "
                                    + saved.planes().get(p).bytes());
                }
            }
            if (cache.length() != 0) {
                throw new KvCacheException(
                        KvCacheException.Reason.LENGTH,
                        "restore: cache " + c + " holds " + cache.length() + " tokens; restore into an empty one");
            }
            Optional<String> refusal = cache.refusal(saved.oldest(), saved.length());
            if (refusal.isPresent()) {
                throw new KvCacheException(
                        KvCacheException.Reason.EXHAUSTED,
                        "restore: cache " + c + " cannot take " + file + ": " + refusal.get());
            }
        }
    }

    private static List<SavedRows> rows(Path file, SnapshotHeader header, MemorySegment bytes) {
        long offset = bytes.byteSize() - header.planeBytes();
        var rows = new ArrayList<SavedRows>();
        for (SnapshotHeader.Cache cache : header.caches()) {
            var planes = new ArrayList<MemorySegment>();
            for (SnapshotHeader.Plane plane : cache.planes()) {
                MemorySegment content = bytes.asSlice(offset, plane.bytes());
                offset += plane.bytes();
                if (checksum(content) != plane.checksum()) {
                    throw refused(file, "is damaged: the checksum of " + plane.description() + " is wrong");
                }
                planes.add(content);
            }
            rows.add(new SavedRows(cache.oldest(), cache.length(), planes));
        }
        return rows;
    }

    private static int checksum(MemorySegment bytes) {
        CRC32C checksum = new CRC32C();
        for (long done = 0; done < bytes.byteSize(); done += BUFFER_BYTES) {
            checksum.update(bytes.asSlice(done, Math.min(BUFFER_BYTES, bytes.byteSize() - done))
                    .asByteBuffer());
        }
        return (int) checksum.getValue();
    }

    /** The caches that store rows, and how they hang together. */
    private static List<RestorableCache> leaves(SequenceCache sequence) {
        var leaves = new ArrayList<RestorableCache>();
        for (int layer = 0; layer < sequence.layers(); layer++) {
            addLeaves(sequence.layer(layer), leaves);
        }
        return leaves;
    }

    private static void addLeaves(KvCache cache, List<RestorableCache> leaves) {
        switch (cache) {
            case CompressedKvCache compressed -> {
                addLeaves(compressed.tokens(), leaves);
                addLeaves(compressed.entries(), leaves);
            }
            case RestorableCache restorable -> leaves.add(restorable);
            default ->
                throw new KvCacheException(
                        KvCacheException.Reason.LAYOUT,
                        "snapshot: " + cache + " is no cache of this library, so what it stores is not known");
        }
    }

    private static String shape(SequenceCache sequence) {
        var shape = new StringBuilder();
        for (int layer = 0; layer < sequence.layers(); layer++) {
            shape.append(layer == 0 ? "" : " | ").append(shape(sequence.layer(layer)));
        }
        return shape.toString();
    }

    private static String shape(KvCache cache) {
        return cache instanceof CompressedKvCache compressed
                ? "[" + shape(compressed.tokens()) + " / " + compressed.ratio() + " " + shape(compressed.entries())
                        + "]"
                : String.valueOf(cache.layout());
    }

    private static KvCacheException refused(Path file, String reason) {
        return new KvCacheException(KvCacheException.Reason.SNAPSHOT, "restore: " + file + " " + reason);
    }
}
