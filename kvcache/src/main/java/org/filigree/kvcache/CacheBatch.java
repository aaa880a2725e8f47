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
