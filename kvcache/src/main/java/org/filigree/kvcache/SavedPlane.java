package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * One plane in a snapshot: the data of all its rows, then their scales, whatever pages they came from.
 *
 * @param file that holds it
 * @param name what errors call it
 * @param offset of its first byte
 * @param bytes how many
 * @param checksum CRC32C of them when they were written
 */
record SavedPlane(SnapshotFile file, String name, long offset, long bytes, int checksum) {
    private static final int CHUNK_BYTES = 1 << 20;

    /** Is it as it was written? */
    void compare() {
        var sum = new CRC32C();
        ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(CHUNK_BYTES, bytes));
        for (long done = 0; done < bytes; done += chunk.limit()) {
            chunk.clear().limit((int) Math.min(chunk.capacity(), bytes - done));
            file.read(offset + done, chunk);
            sum.update(chunk.duplicate());
        }
        requireAsWritten(sum, "is damaged: ");
    }

    /**
     * Copies rows to the slots that are theirs, those before the first to none. What was copied is compared with the checksum, not what
     * somebody compared before: a cache must not show rows of a plane for which this throws.
     *
     * @param rows in the plane
     * @param first row to be copied, to slot 0
     */
    void copyTo(PlaneMemory plane, Slots slots, int rows, int first) {
        var sum = new CRC32C();
        int data = plane.plane().format().rowBytes();
        int scales = plane.plane().format().scaleBytes();
        copy(
                sum,
                offset,
                rows,
                data,
                first,
                (row, from, chunk) ->
                        MemorySegment.copy(chunk, from, plane.memory(), plane.rowOffset(slots.of(row)), data));
        if (scales > 0) {
            copy(
                    sum,
                    offset + (long) rows * data,
                    rows,
                    scales,
                    first,
                    (row, from, chunk) ->
                            MemorySegment.copy(chunk, from, plane.memory(), plane.scaleOffset(slots.of(row)), scales));
        }
        requireAsWritten(sum, "changed while it was read: ");
    }

    /** Takes what belongs to a row. */
    private interface RowSink {
        void take(int row, long from, MemorySegment chunk);
    }

    private void copy(CRC32C sum, long from, int rows, int bytesPerRow, int first, RowSink sink) {
        int together = Math.max(1, CHUNK_BYTES / bytesPerRow);
        ByteBuffer chunk = ByteBuffer.allocate(Math.multiplyExact(Math.min(together, rows), bytesPerRow));
        MemorySegment segment = MemorySegment.ofBuffer(chunk);
        for (int done = 0; done < rows; done += together) {
            int some = Math.min(together, rows - done);
            chunk.clear().limit(some * bytesPerRow);
            file.read(from + (long) done * bytesPerRow, chunk);
            sum.update(chunk.duplicate());
            for (int r = Math.max(0, first - done); r < some; r++) {
                sink.take(done + r - first, (long) r * bytesPerRow, segment);
            }
        }
    }

    private void requireAsWritten(CRC32C sum, String reason) {
        if ((int) sum.getValue() != checksum) {
            throw file.damaged(reason
                    + SnapshotHeader.mismatch(
                            name + ", " + bytes + " bytes from byte " + offset + " on,", checksum, (int)
                                    sum.getValue()));
        }
    }
}
