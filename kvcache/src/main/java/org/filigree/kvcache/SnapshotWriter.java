package org.filigree.kvcache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.filigree.core.io.AtomicFile;

/**
 * Writes rows as they lie in views. Views are made of all layers first; their lengths must agree. A view that is still current after its
 * rows were copied shows that nothing was taken back since it was made: so all views show one moment, that after the last was made, and
 * appends need not wait for the disk.
 */
final class SnapshotWriter {
    private static final int BUFFER_BYTES = 1 << 20;
    /** Half of what a string of the header can hold, whose UTF-8 takes up to 1.5 times the bytes. */
    private static final int LABEL_BYTES = 32_767;

    /** The rows of one cache, and what errors call them. */
    private record View(String name, RowStorage storage, CacheRows rows) {
        int length() {
            return rows.firstToken() + rows.count();
        }

        SnapshotHeader.Cache described() {
            return new SnapshotHeader.Cache(
                    rows.firstToken(),
                    length(),
                    storage.planes().stream()
                            .map(plane -> new SnapshotHeader.Plane(
                                    SnapshotHeader.description(plane),
                                    (long) rows.count() * plane.format().bytesPerRow(),
                                    0))
                            .toList());
        }
    }

    private final Path file;
    private final String operation;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);

    private SnapshotWriter(Path file) {
        this.file = file;
        this.operation = "snapshot write: " + file;
    }

    static void write(Path file, String label, SequenceCache sequence) throws IOException {
        new SnapshotWriter(file).write(label, sequence);
    }

    private void write(String label, SequenceCache sequence) throws IOException {
        requirePlace();
        int labelBytes = label.getBytes(StandardCharsets.UTF_8).length;
        if (labelBytes > LABEL_BYTES) {
            throw new IllegalArgumentException(operation + ": the label has " + labelBytes + " bytes but may have "
                    + LABEL_BYTES + "; use a digest of what is long in it");
        }
        List<View> views = views(sequence);
        var unsummed = new SnapshotHeader(
                label,
                SnapshotCaches.shapes(sequence),
                views.stream().map(View::described).toList());
        AtomicFile.write(file, channel -> {
            channel.position(unsummed.bytes().remaining());
            var checksums = new ArrayList<Integer>();
            for (View view : views) {
                for (StoredRows plane : view.rows.stored()) {
                    checksums.add(writePlane(channel, view.name, plane));
                }
            }
            channel.position(0);
            writeFully(channel, unsummed.summed(checksums).bytes());
        });
    }

    private void requirePlace() throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null && !Files.isDirectory(folder)) {
            throw new NoSuchFileException(
                    folder.toString(), null, "there is no such folder for the snapshot " + file + "; create it first");
        }
        if (Files.isDirectory(file)) {
            throw new FileSystemException(
                    file.toString(), null, "this is a folder, not a file that a snapshot can be written to");
        }
    }

    private List<View> views(SequenceCache sequence) {
        var views = new ArrayList<View>();
        SnapshotCaches.visit(operation, sequence, leaf -> {
            CacheRows rows = ClosedCache.during(
                    operation, leaf.name(), () -> leaf.cache().rows());
            views.add(new View(leaf.name(), leaf.stored().storage(), rows));
        });
        Optional<String> contradiction = SnapshotCaches.contradiction(
                sequence, views.stream().map(View::length).toList());
        if (contradiction.isPresent()) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    operation + ": " + contradiction.get()
                            + "; write between passes, and after one that failed bring the layers back with"
                            + " truncate(length())");
        }
        return views;
    }

    /** Data of all rows, then scales of all rows; gives the checksum of both. */
    private int writePlane(FileChannel channel, String name, StoredRows rows) throws IOException {
        CRC32C checksum = new CRC32C();
        int data = rows.format().rowBytes();
        int scales = rows.format().scaleBytes();
        try {
            for (int row = 0; row < rows.count(); row += rows.adjoining(row)) {
                writeRange(channel, rows, rows.offset(row), (long) rows.adjoining(row) * data, checksum);
            }
            for (int row = 0; scales > 0 && row < rows.count(); row += rows.adjoining(row)) {
                writeRange(channel, rows, rows.scaleOffset(row), (long) rows.adjoining(row) * scales, checksum);
            }
            rows.requireCurrent();
        } catch (KvCacheException stale) {
            throw new KvCacheException(
                    stale.reason(),
                    operation + ": the " + rows.count() + " rows of " + name + ", parts " + new RowLayout(rows.parts())
                            + ", were truncated, overwritten or freed while they were written; write again while nothing"
                            + " takes tokens back, closes the caches or appends to a sliding one",
                    stale);
        }
        flush(channel, checksum);
        return (int) checksum.getValue();
    }

    private void writeRange(FileChannel channel, StoredRows rows, long offset, long bytes, CRC32C checksum)
            throws IOException {
        for (long done = 0; done < bytes; ) {
            if (!buffer.hasRemaining()) {
                flush(channel, checksum);
            }
            int part = (int) Math.min(bytes - done, buffer.remaining());
            rows.copy(offset + done, part, buffer);
            done += part;
        }
    }

    private void flush(FileChannel channel, CRC32C checksum) throws IOException {
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
}
