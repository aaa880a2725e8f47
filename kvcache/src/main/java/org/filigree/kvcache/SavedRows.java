package org.filigree.kvcache;

import java.util.List;
import java.util.Optional;

/**
 * Rows as they lie in a snapshot.
 *
 * @param oldest first token whose row there is
 * @param length tokens in all
 * @param planes where each plane lies
 */
record SavedRows(int oldest, int length, List<SavedPlane> planes) {
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

    /**
     * Copies the rows from a token on to the slots that are theirs.
     *
     * @throws KvCacheException if they are not those that were written: then the slots hold nothing that may be shown
     */
    void copyTo(RowMemory memory, Slots slots, int from) {
        for (int p = 0; p < planes.size(); p++) {
            planes.get(p).copyTo(memory.planes().get(p), slots, length - oldest, from - oldest);
        }
    }
}
