package org.filigree.attention.compressed;

import java.util.List;
import org.filigree.core.tensor.Check;
import org.filigree.kvcache.CompressedKvCache;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SlidingKvCache;
import org.filigree.kvcache.SlidingWindow;

/**
 * What a layer leaves in a cache.
 *
 * @param tokens rows of single tokens
 * @param entries rows of complete runs, none where the layer makes no entries
 * @param ratio tokens of a run, 0 where there are none
 * @param reach how many of the last tokens a new one looks back to, itself included: its window, or the runs that it may complete
 */
public record CacheLayout(RowLayout tokens, List<RowLayout.Part> entries, int ratio, int reach) {
    /** Copies the list; checks that runs and entries go together. */
    public CacheLayout {
        entries = List.copyOf(entries);
        Check.notNegative("cache layout: ratio", ratio);
        Check.positive("cache layout: reach", reach);
        if (entries.isEmpty() != (ratio == 0)) {
            throw new IllegalArgumentException(
                    "cache layout: entries " + entries + " do not go with runs of " + ratio + " tokens");
        }
    }

    static CacheLayout of(RowLayout tokens, List<RowLayout.Part> entries, Compression compression, int window) {
        int ratio = entries.isEmpty() ? 0 : compression.ratio();
        return new CacheLayout(tokens, entries, ratio, Math.max(window, ratio + compression.lookback()));
    }

    /**
     * A cache in float32 for one sequence that keeps the rows of all tokens, and of all entries where the layer makes any.
     *
     * @param capacity longest sequence, in tokens
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     */
    public KvCache init(int capacity) {
        return withEntries(new ContiguousKvCache(tokens, capacity), capacity);
    }

    /**
     * A cache in float32 for one sequence that keeps the rows of its last tokens alone, and of all entries: memory grows with the entries.
     *
     * @param capacity longest sequence, in tokens
     * @param slack how many tokens can be taken back at once
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     */
    public KvCache initSliding(int capacity, int slack) {
        var window = new SlidingWindow(reach, slack);
        return withEntries(new SlidingKvCache(RowStorage.float32(tokens), window, capacity), capacity);
    }

    private KvCache withEntries(KvCache rows, int capacity) {
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
