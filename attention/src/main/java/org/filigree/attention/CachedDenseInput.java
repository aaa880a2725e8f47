package org.filigree.attention;

import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;
import org.jspecify.annotations.Nullable;

/**
 * Queries of one sequence, and which of the keys that lie in a cache each of them sees; all heads share the keys, and a value is the first
 * channels of its key.
 *
 * @param queries FLOAT32 [tokens, heads, width]
 * @param keyValues rows of that width
 * @param valueWidth channels of a value, at most the width
 * @param span which rows each query sees
 * @param scale factor between product and logit
 * @param sinks [heads], a logit for each head that takes weight and gives no value; null for none
 */
public record CachedDenseInput(
        Tensor queries,
        CacheRows keyValues,
        int valueWidth,
        KeySpan span,
        double scale,
        @Nullable Tensor sinks) {
    static final String OPERATION = "dense attention over a cache";

    /** Checks that shapes agree and that every query's span lies within the rows. */
    public CachedDenseInput {
        Check.rank(OPERATION, "queries", queries, 3);
        Check.dtype(OPERATION, "queries", queries, DType.FLOAT32);
        if (queries.dim(2) != keyValues.width()) {
            throw new ShapeException(
                    OPERATION + ": queries " + queries.shape() + " are " + queries.dim(2) + " wide, rows of the cache "
                            + keyValues.width() + "; ask the cache for the parts that make a key");
        }
        if (sinks != null) {
            Check.dtype(OPERATION, "sinks", sinks, DType.FLOAT32);
            Check.shape(OPERATION, "sinks", sinks, queries.dim(1));
        }
        if (valueWidth < 1 || valueWidth > keyValues.width()) {
            throw new ShapeException(OPERATION + ": values of " + valueWidth
                    + " channels cannot be the first channels of rows that are " + keyValues.width() + " wide");
        }
        for (int t = 0; t < queries.dim(0); t++) {
            if (span.from(t) < 0 || span.to(t) > keyValues.count()) {
                throw new ShapeException(OPERATION + ": query " + t + " of " + queries.shape() + " sees rows "
                        + span.from(t) + " to " + (span.to(t) - 1) + " but there are " + keyValues.count()
                        + ", from 0");
            }
        }
    }
}
