package org.filigree.attention;

import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;
import org.jspecify.annotations.Nullable;

/**
 * Queries of one sequence, and the chosen among keys that lie in a cache and that all heads share; a value is the first channels of its
 * key.
 *
 * @param queries FLOAT32 [tokens, heads, width]
 * @param keyValues rows of that width
 * @param valueWidth channels of a value, at most the width
 * @param indices INT32 [tokens, chosen]: rows, −1 for none; a row named twice counts twice
 * @param scale factor between product and logit
 * @param sinks [heads], a logit for each head that takes weight and gives no value; null for none
 */
public record CachedAttentionInput(
        Tensor queries,
        CacheRows keyValues,
        int valueWidth,
        Tensor indices,
        double scale,
        @Nullable Tensor sinks) {
    /** Checks that shapes agree. */
    public CachedAttentionInput {
        Check.rank("attend", "queries", queries, 3);
        Check.rank("attend", "indices", indices, 2);
        Check.dtype("attend", "queries", queries, DType.FLOAT32);
        Check.dtype("attend", "indices", indices, DType.INT32);
        Check.shape("attend", "indices", indices, queries.dim(0), indices.dim(1));
        if (queries.dim(2) != keyValues.width()) {
            throw new ShapeException(
                    "attend: queries " + queries.shape() + " are " + queries.dim(2) + " wide, rows of the cache "
                            + keyValues.width() + "; ask the cache for the parts that make a key");
        }
        if (sinks != null) {
            Check.shape("attend", "sinks", sinks, queries.dim(1));
        }
        if (valueWidth < 1 || valueWidth > keyValues.width()) {
            throw new ShapeException("attend: values of " + valueWidth
                    + " channels cannot be the first channels of rows that are " + keyValues.width() + " wide");
        }
    }
}
