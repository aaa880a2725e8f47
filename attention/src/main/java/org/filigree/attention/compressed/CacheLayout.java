package org.filigree.attention.compressed;

import java.util.List;
import org.filigree.core.tensor.Check;
import org.filigree.kvcache.CompressedKvCache;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;

/**
 * What a layer leaves in a cache.
 *
 * @param tokens rows of single tokens
 * @param entries rows of complete runs, none where the layer makes no entries
 * @param ratio tokens of a run, 0 where there are none
 */
public record CacheLayout(RowLayout tokens, List<RowLayout.Part> entries, int ratio) {
    /** Copies the list; checks that runs and entries go together. */
    public CacheLayout {
        entries = List.copyOf(entries);
        Check.notNegative("cache layout: ratio", ratio);
        if (entries.isEmpty() != (ratio == 0)) {
            throw new IllegalArgumentException(
                    "cache layout: entries " + entries + " do not go with runs of " + ratio + " tokens");
        }
    }

    /**
     * A cache in float32 for one sequence: a {@link CompressedKvCache} where the layer makes entries.
     *
     * @param capacity longest sequence, in tokens
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     */
    public KvCache init(int capacity) {
        KvCache rows = new ContiguousKvCache(tokens, capacity);
        if (entries.isEmpty()) {
            return rows;
        }
        try {
            var runs = new ContiguousKvCache(new RowLayout(entries), Math.max(1, capacity / ratio));
            return new CompressedKvCache(rows, runs, ratio);
        } catch (KvCacheException failure) {
            rows.close();
            throw failure;
        }
    }
}
