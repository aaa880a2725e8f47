package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Rows as they lie in a snapshot: for each plane the data of all rows, then their scales, whatever pages they came from.
 *
 * @param oldest first token whose row there is
 * @param length tokens in all
 * @param planes the bytes of each plane
 */
record SavedRows(int oldest, int length, List<MemorySegment> planes) {
    /** Why a cache that keeps all rows cannot take these, if so. */
    static Optional<String> refusal(int oldest, int length, int capacity) {
        if (oldest > 0) {
            return Optional.of("it keeps all rows, but those before token " + oldest
                    + " are not there; restore into a sliding cache as the snapshot was written from");
        }
        return length > capacity
                ? Optional.of(length + " rows exceed its capacity of " + capacity + "; restore into a larger one")
                : Optional.empty();
    }

    /** Somebody may have appended since the reader asked. */
    static void requireEmpty(int held) {
        if (held != 0) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "snapshot restore: the cache holds " + held
                            + " rows that were appended meanwhile; restore before the caches are used");
        }
    }

    /** Copies the rows from a token on to the slots that are theirs. */
    void copyTo(RowMemory memory, Slots slots, int from) {
        int rows = length - oldest;
        for (int p = 0; p < planes.size(); p++) {
            PlaneMemory plane = memory.planes().get(p);
            MemorySegment saved = planes.get(p);
            int data = plane.plane().format().rowBytes();
            int scales = plane.plane().format().scaleBytes();
            for (int row = from - oldest; row < rows; row++) {
                long slot = slots.of(row - (from - oldest));
                MemorySegment.copy(saved, (long) row * data, plane.memory(), plane.rowOffset(slot), data);
                if (scales > 0) {
                    MemorySegment.copy(
                            saved,
                            (long) rows * data + (long) row * scales,
                            plane.memory(),
                            plane.scaleOffset(slot),
                            scales);
                }
            }
        }
    }
}
