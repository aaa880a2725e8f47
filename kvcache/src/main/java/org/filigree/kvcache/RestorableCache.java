package org.filigree.kvcache;

import java.util.Optional;

/**
 * What a snapshot asks of a cache beyond the contract: to take rows as they were stored, without widening and rounding them again. Public
 * caches give one to this package alone.
 */
interface RestorableCache {
    /** That of a cache of this library which stores rows itself. */
    static Optional<RestorableCache> of(KvCache cache) {
        return switch (cache) {
            case ContiguousKvCache contiguous -> Optional.of(contiguous.restorable());
            case SlidingKvCache sliding -> Optional.of(sliding.restorable());
            case RestorableCache itself -> Optional.of(itself);
            default -> Optional.empty();
        };
    }

    /** How its rows are stored. */
    RowStorage storage();

    /**
     * Why rows of such tokens could not be taken, if so. Changes nothing.
     *
     * @param oldest first token whose row there is
     * @param length tokens in all
     */
    Optional<String> refusal(int oldest, int length);

    /** Takes rows, into an empty cache that does not refuse them; it stays empty if they cannot be had. */
    void restore(SavedRows rows);
}
