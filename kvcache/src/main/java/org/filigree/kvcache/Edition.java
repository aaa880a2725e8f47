package org.filigree.kvcache;

import java.lang.invoke.VarHandle;

/**
 * Tells whether rows that somebody looks at are still there. A cache opens a new edition before it forgets or overwrites rows; a reader
 * remembers the edition, reads, and then asks whether it still holds. What was read in between is thrown away, so readers need no lock.
 */
final class Edition {
    private volatile int number;

    int number() {
        return number;
    }

    /** To be called under the cache's lock, before the first row changes. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // Only holders of the cache's lock write.
    void supersede() {
        number++;
        VarHandle.fullFence();
    }

    /** To be called after reading. */
    boolean holds(int remembered) {
        VarHandle.fullFence();
        return number == remembered;
    }
}
