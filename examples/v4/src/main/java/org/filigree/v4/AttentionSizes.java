package org.filigree.v4;

import org.filigree.core.tensor.Check;

/**
 * Sizes of latent attention with an indexer that selects keys.
 *
 * @param heads query heads
 * @param queryRank width of the compressed query
 * @param latentRank width of the compressed keys and values, which the cache keeps
 * @param nopeDim channels of a head without position
 * @param ropeDim channels of a head with rotary position
 * @param valueDim channels of a head's value
 * @param indexHeads heads of the indexer
 * @param indexDim channels of an indexer head, a power of two
 * @param selected keys that a query attends to
 * @param ropeBase base of the rotary frequencies
 */
public record AttentionSizes(
        int heads,
        int queryRank,
        int latentRank,
        int nopeDim,
        int ropeDim,
        int valueDim,
        int indexHeads,
        int indexDim,
        int selected,
        double ropeBase) {
    /** Checks the sizes. */
    public AttentionSizes {
        Check.positive("attention: heads", heads);
        Check.positive("attention: query rank", queryRank);
        Check.positive("attention: latent rank", latentRank);
        Check.positive("attention: nope dim", nopeDim);
        Check.positive("attention: rope dim", ropeDim);
        Check.positive("attention: value dim", valueDim);
        Check.positive("attention: index heads", indexHeads);
        Check.positive("attention: index dim", indexDim);
        Check.positive("attention: selected", selected);
        Check.positive("attention: rope base", ropeBase);
    }

    /** {@return numbers that the cache keeps of a token in one layer: latent, rotary key and indexer key} */
    public int cachedPerToken() {
        return latentRank + ropeDim + indexDim;
    }
}
