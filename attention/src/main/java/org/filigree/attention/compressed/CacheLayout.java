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
     * A cache in float32: {@link #init(int, CacheStorage)}.
     *
     * @param capacity longest sequence, in tokens
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     */
    public KvCache init(int capacity) {
        return init(capacity, RowStorage::float32);
    }

    /**
     * A cache for one sequence that keeps the rows of all tokens, and of all entries where the layer makes any. All memory is reserved at once.
     * Rows that runs are pooled from are wide, so this is for short texts: a ratio-4 layer of V4 Flash takes 12 288 bytes a token in float32, 12.9 GB
     * for 1 048 576 tokens; {@link #initSliding(int, int, CacheStorage)} keeps the last of them alone.
     *
     * @param capacity longest sequence, in tokens
     * @param storage how rows are stored
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     * @throws IllegalArgumentException if a format is of another width than the part that it is for
     */
    public KvCache init(int capacity, CacheStorage storage) {
        return withEntries(new ContiguousKvCache(stored(storage, tokens), capacity), capacity, storage);
    }

    /**
     * A cache in float32: {@link #initSliding(int, int, CacheStorage)}.
     *
     * @param capacity longest sequence, in tokens
     * @param slack how many tokens can be taken back at once
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     */
    public KvCache initSliding(int capacity, int slack) {
        return initSliding(capacity, slack, RowStorage::float32);
    }

    /**
     * A cache for one sequence that keeps the rows of its last tokens alone, {@link #reach} + slack of them, and of all entries. All memory is
     * reserved at once, that of {@code capacity / ratio} entries too, however long the text becomes: a ratio-4 layer of V4 Flash for 1 048 576 tokens
     * reserves 671 MB for entries and index keys in float32, and 171 MB as {@link CacheStorage#deepSeekV4}; 1.6 MB for tokens, without slack.
     *
     * @param capacity longest sequence, in tokens
     * @param slack how many tokens can be taken back at once
     * @param storage how rows are stored
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     * @throws IllegalArgumentException if a format is of another width than the part that it is for
     */
    public KvCache initSliding(int capacity, int slack, CacheStorage storage) {
        var window = new SlidingWindow(reach, slack);
        return withEntries(new SlidingKvCache(stored(storage, tokens), window, capacity), capacity, storage);
    }

    private KvCache withEntries(KvCache rows, int capacity, CacheStorage storage) {
        if (entries.isEmpty()) {
            return rows;
        }
        try {
            RowStorage ofEntries = stored(storage, new RowLayout(entries));
            var runs = new ContiguousKvCache(ofEntries, Math.max(1, capacity / ratio));
            return new CompressedKvCache(rows, runs, ratio);
        } catch (RuntimeException failure) {
            rows.close();
            throw failure;
        }
    }

    private static RowStorage stored(CacheStorage storage, RowLayout rows) {
        RowStorage stored = storage.of(rows);
        if (!stored.layout().equals(rows)) {
            throw new IllegalArgumentException(
                    "cache layout: " + stored + " stores rows " + stored.layout() + " but rows " + rows
                            + " were asked for; begin with RowStorage.float32(rows) and change its parts");
        }
        return stored;
    }
}
