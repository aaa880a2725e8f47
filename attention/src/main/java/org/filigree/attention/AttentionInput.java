package org.filigree.attention;

import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Queries of several heads, and the chosen among keys that all heads share; a value is the first channels of its key.
 *
 * @param queries [batch, tokens, heads, width]
 * @param keyValues [batch, keys, width]
 * @param valueWidth channels of a value, at most the width
 * @param indices INT32 [batch, tokens, chosen]: keys, −1 for none; a key named twice counts twice
 * @param scale factor between product and logit
 * @param sinks [heads], a logit for each head that takes weight and gives no value; null for none
 */
public record AttentionInput(
        Tensor queries,
        Tensor keyValues,
        int valueWidth,
        Tensor indices,
        double scale,
        @Nullable Tensor sinks) {
    /** Checks that shapes agree. */
    public AttentionInput {
        Check.rank("attend", "queries", queries, 4);
        Check.rank("attend", "key-values", keyValues, 3);
        Check.rank("attend", "indices", indices, 3);
        Check.dtype("attend", "queries", queries, DType.FLOAT32);
        Check.dtype("attend", "key-values", keyValues, DType.FLOAT32);
        Check.dtype("attend", "indices", indices, DType.INT32);
        Check.shape("attend", "key-values", keyValues, queries.dim(0), keyValues.dim(1), queries.dim(3));
        Check.shape("attend", "indices", indices, queries.dim(0), queries.dim(1), indices.dim(2));
        if (sinks != null) {
            Check.shape("attend", "sinks", sinks, queries.dim(2));
        }
        if (valueWidth < 1 || valueWidth > keyValues.dim(2)) {
            throw new ShapeException("attend: values of " + valueWidth + " channels cannot be the first channels of"
                    + " key-values " + keyValues.shape());
        }
    }

    /**
     * Attention whose values are whole keys, scaled by width^−½, without sinks.
     *
     * @param queries [batch, tokens, heads, width]
     * @param keyValues [batch, keys, width]
     * @param indices INT32 [batch, tokens, chosen]
     * @return the input
     */
    public static AttentionInput of(Tensor queries, Tensor keyValues, Tensor indices) {
        Check.rank("attend", "key-values", keyValues, 3);
        int width = keyValues.dim(2);
        return new AttentionInput(queries, keyValues, width, indices, 1 / Math.sqrt(Math.max(1, width)), null);
    }

    /**
     * The same with narrower values.
     *
     * @param channels first channels of a key that are its value
     * @return a new input
     */
    public AttentionInput withValueWidth(int channels) {
        return new AttentionInput(queries, keyValues, channels, indices, scale, sinks);
    }

    /**
     * The same with another scale.
     *
     * @param factor between product and logit
     * @return a new input
     */
    public AttentionInput withScale(double factor) {
        return new AttentionInput(queries, keyValues, valueWidth, indices, factor, sinks);
    }

    /**
     * The same with sinks.
     *
     * @param logits [heads]; −∞ has no effect, +∞ takes all weight
     * @return a new input
     */
    public AttentionInput withSinks(Tensor logits) {
        return new AttentionInput(queries, keyValues, valueWidth, indices, scale, logits);
    }
}
