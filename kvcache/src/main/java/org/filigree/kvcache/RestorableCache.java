package org.filigree.kvcache;

import java.util.Optional;

/** What a snapshot asks of a cache beyond the contract: to take rows as they were stored, without widening and rounding them again. */
interface RestorableCache extends KvCache {
    /** How its rows are stored. */
    RowStorage storage();

    /**
     * Why rows of such tokens could not be taken, if so. Changes nothing.
     *
     * @param oldest first token whose row there is
     * @param length tokens in all
     */
    Optional<String> refusal(int oldest, int length);

    /** Takes rows, into an empty cache that does not refuse them. */
    void restore(SavedRows rows);
}
