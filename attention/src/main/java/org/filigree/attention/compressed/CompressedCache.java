package org.filigree.attention.compressed;

import org.filigree.kvcache.CompressedKvCache;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;

/** Caches that suit one layer: a row for each token, and with compression a row for each complete run. */
public final class CompressedCache {
    private CompressedCache() {}

    /**
     * A cache in float32 for one layer; with compression a {@link CompressedKvCache}.
     *
     * @param config of the layer
     * @param capacity longest sequence, in tokens
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had
     */
    public static KvCache of(CompressedAttentionConfig config, int capacity) {
        KvCache tokens = new ContiguousKvCache(config.tokenLayout(), capacity);
        int ratio = config.compression().ratio();
        if (ratio == 0) {
            return tokens;
        }
        try {
            int runs = Math.max(1, capacity / ratio);
            return new CompressedKvCache(tokens, new ContiguousKvCache(config.entryLayout(), runs), ratio);
        } catch (KvCacheException failure) {
            tokens.close();
            throw failure;
        }
    }
}
