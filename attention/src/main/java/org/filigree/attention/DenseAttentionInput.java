package org.filigree.attention;

import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Queries, keys and values of several heads, and which keys each query sees. Heads may share keys and values in groups: head h reads
 * those of key head h/(heads/key heads).
 *
 * @param queries [batch, tokens, heads, width]
 * @param keys [batch, keys, key heads, width], heads a multiple of key heads
 * @param values [batch, keys, key heads, value width]
 * @param span which keys each query sees, the same for every sequence and head
 * @param scale factor between product and logit
 * @param sinks [heads], a logit for each head that takes weight and gives no value; −∞ has no effect, +∞ takes all weight; null for
 *     none
 */
public record DenseAttentionInput(
        Tensor queries,
        Tensor keys,
        Tensor values,
        KeySpan span,
        double scale,
        @Nullable Tensor sinks) {
    private static final String OPERATION = "scaled dot-product attention";

    /** Checks that shapes agree and that every query's span lies within the keys. */
    public DenseAttentionInput {
        Check.rank(OPERATION, "queries", queries, 4);
        Check.rank(OPERATION, "keys", keys, 4);
        Check.rank(OPERATION, "values", values, 4);
        Check.dtype(OPERATION, "queries", queries, DType.FLOAT32);
        Check.dtype(OPERATION, "keys", keys, DType.FLOAT32);
        Check.dtype(OPERATION, "values", values, DType.FLOAT32);
        Check.shape(OPERATION, "keys", keys, queries.dim(0), keys.dim(1), keys.dim(2), queries.dim(3));
        Check.shape(OPERATION, "values", values, keys.dim(0), keys.dim(1), keys.dim(2), values.dim(3));
        Check.positive(OPERATION + ": key heads", keys.dim(2));
        Check.positive(OPERATION + ": width", keys.dim(3));
        Check.positive(OPERATION + ": value width", values.dim(3));
        Check.divides(OPERATION + ": heads", queries.dim(2), "key heads", keys.dim(2));
        if (sinks != null) {
            Check.dtype(OPERATION, "sinks", sinks, DType.FLOAT32);
            Check.shape(OPERATION, "sinks", sinks, queries.dim(2));
        }
        for (int t = 0; t < queries.dim(1); t++) {
            if (span.from(t) < 0 || span.to(t) > keys.dim(1)) {
                throw new ShapeException(OPERATION + ": query " + t + " of " + queries.shape() + " sees keys "
                        + span.from(t) + " to " + (span.to(t) - 1) + " but there are " + keys.dim(1) + ", from 0");
            }
        }
    }

    /**
     * Causal attention, scaled by width^−½, without sinks; the queries are the last of the keys.
     *
     * @param queries [batch, tokens, heads, width]
     * @param keys [batch, keys, key heads, width]
     * @param values [batch, keys, key heads, value width]
     * @return the input
     */
    public static DenseAttentionInput causal(Tensor queries, Tensor keys, Tensor values) {
        Check.rank(OPERATION, "queries", queries, 4);
        Check.rank(OPERATION, "keys", keys, 4);
        return new DenseAttentionInput(
                queries,
                keys,
                values,
                KeySpan.causal(queries.dim(1), keys.dim(1)),
                1 / Math.sqrt(Math.max(1, queries.dim(3))),
                null);
    }

    /**
     * The same with other keys in sight.
     *
     * @param seen which keys each query sees
     * @return a new input
     */
    public DenseAttentionInput withSpan(KeySpan seen) {
        return new DenseAttentionInput(queries, keys, values, seen, scale, sinks);
    }

    /**
     * The same with another scale.
     *
     * @param factor between product and logit
     * @return a new input
     */
    public DenseAttentionInput withScale(double factor) {
        return new DenseAttentionInput(queries, keys, values, span, factor, sinks);
    }

    /**
     * The same with sinks.
     *
     * @param logits [heads]
     * @return a new input
     */
    public DenseAttentionInput withSinks(Tensor logits) {
        return new DenseAttentionInput(queries, keys, values, span, scale, logits);
    }
}
