package org.filigree.kvcache;

/**
 * The memory account of a cache.
 *
 * @param reservedBytes bytes it holds, filled or not; blocks that sequences of a pool share count for each of them, {@link BlockPool#memory}
 *     counts them once
 * @param usedBytes bytes that the storage formats themselves take for the rows it holds
 */
public record CacheMemory(long reservedBytes, long usedBytes) {
    /** No memory. */
    public static final CacheMemory NONE = new CacheMemory(0, 0);

    /**
     * The account of two caches together.
     *
     * @param other another account
     * @return the sums
     */
    public CacheMemory plus(CacheMemory other) {
        return new CacheMemory(reservedBytes + other.reservedBytes, usedBytes + other.usedBytes);
    }
}
