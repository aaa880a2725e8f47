package org.filigree.kvcache;

import java.util.function.Supplier;

/** What is said of a cache that was closed: the call that was made, not one of those that it is made of. */
final class ClosedCache {
    private ClosedCache() {}

    /**
     * The refusal of a call.
     *
     * @param operation the call
     * @param what the cache
     */
    static KvCacheException refusal(String operation, String what) {
        return new KvCacheException(
                KvCacheException.Reason.CLOSED,
                operation + ": " + what + " is closed and its rows are gone; close it after its last use");
    }

    /**
     * Runs a part of a call.
     *
     * @param operation the call
     * @param what the cache
     * @param part of the call, which may find the cache closed
     * @return what the part gave
     */
    static <T> T during(String operation, String what, Supplier<T> part) {
        try {
            return part.get();
        } catch (KvCacheException failure) {
            if (failure.reason() != KvCacheException.Reason.CLOSED) {
                throw failure;
            }
            KvCacheException closed = refusal(operation, what);
            closed.initCause(failure);
            throw closed;
        }
    }
}
