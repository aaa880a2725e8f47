package org.filigree.kvcache;

import java.util.HashMap;
import java.util.List;
import org.filigree.core.nn.Context;

/**
 * What a layer finds in its {@link Context} when it shall decode incrementally: one cache for every sequence of the batch, each at
 * its own length. Sequence i of the activations belongs to cache i.
 *
 * @param sequences one cache for every sequence, all of one layer
 */
public record CacheBatch(List<KvCache> sequences) {
    /** Where a layer looks for its caches. */
    public static final Context.Key<CacheBatch> KEY = new Context.Key<>("KV caches", CacheBatch.class);

    /**
     * Copies the list.
     *
     * @throws KvCacheException if a cache is listed twice: one sequence would continue the other
     */
    public CacheBatch {
        sequences = List.copyOf(sequences);
        var seen = new HashMap<KvCache, Integer>();
        for (int i = 0; i < sequences.size(); i++) {
            Integer before = seen.put(sequences.get(i), i);
            if (before != null) {
                throw new KvCacheException(
                        KvCacheException.Reason.LAYOUT,
                        "cache batch: sequences " + before + " and " + i + " have the same cache " + sequences.get(i)
                                + "; make one for each, or fork the paged sequence that they begin with");
            }
        }
    }

    /**
     * The caches of a batch whose sequences are listed here.
     *
     * @param sequences one cache for every sequence
     * @return the batch
     * @throws KvCacheException if a cache is listed twice
     */
    public static CacheBatch of(KvCache... sequences) {
        return new CacheBatch(List.of(sequences));
    }

    /**
     * Where the sequences of a pass begin, checked before anything is computed or appended.
     *
     * @param layer what asks, for messages
     * @param batch sequences of the activations
     * @param tokens that the pass brings to each
     * @param context of the pass; its start must be 0 or what every cache holds
     * @return the end of every cache
     * @throws KvCacheException if there are more or fewer caches than sequences ({@link KvCacheException.Reason#LAYOUT}), a cache does not
     *     hold as many tokens as the context says ({@link KvCacheException.Reason#LENGTH}), is closed, or is too short for the tokens
     *     ({@link KvCacheException.Reason#EXHAUSTED}; blocks of a pool may still run out)
     * @throws IllegalArgumentException in a training pass, since no gradient passes through a cache
     */
    public List<CacheEnd> begin(String layer, int batch, int tokens, Context context) {
        if (context.mode() == Context.Mode.TRAINING) {
            throw new IllegalArgumentException(layer + ": a training pass cannot go through caches, which pass no"
                    + " gradient on; use Context.inference(), or leave the caches out");
        }
        if (sequences.size() != batch) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    layer + ": x has " + batch + " sequences but the context has caches for " + sequences.size()
                            + "; give one for each: CacheBatch.of(first, second), or"
                            + " CacheBatch.layer(sequences, layer)");
        }
        List<CacheEnd> ends = sequences.stream().map(KvCache::end).toList();
        for (int i = 0; i < batch; i++) {
            CacheEnd end = ends.get(i);
            int capacity = sequences.get(i).capacity();
            if (tokens > capacity - end.length()) {
                throw new KvCacheException(
                        KvCacheException.Reason.EXHAUSTED,
                        layer + ": " + tokens + " tokens behind " + end.length() + " of sequence " + i
                                + " exceed the capacity of " + capacity + " by "
                                + (tokens - (capacity - end.length()))
                                + "; make the cache with a larger capacity or truncate it first");
            }
            if (context.start() != 0 && context.start() != end.length()) {
                throw new KvCacheException(
                        KvCacheException.Reason.LENGTH,
                        layer + ": the context starts at position " + context.start() + " but the cache holds "
                                + end.length() + " tokens; truncate the cache or correct the start");
            }
        }
        return ends;
    }

    /**
     * One layer of several sequences.
     *
     * @param sequences the caches of every sequence
     * @param layer number of the layer, from 0
     * @return the batch
     * @throws KvCacheException if there is no such layer, or a sequence is listed twice
     */
    public static CacheBatch layer(List<SequenceCache> sequences, int layer) {
        return new CacheBatch(
                sequences.stream().map(sequence -> sequence.layer(layer)).toList());
    }
}
