package org.filigree.attention;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

/** {@link IndexScores} forward and backward, without a product for each head in memory. */
public interface IndexScoresKernel extends FusedKernel {
    /**
     * Scores of all keys.
     *
     * @param queries [batch, tokens, heads, dim]
     * @param weights [batch, tokens, heads]
     * @param keys [batch, keys, dim]
     * @return [batch, tokens, keys]
     */
    Tensor forward(Tensor queries, Tensor weights, Tensor keys);

    /**
     * Scores of all keys in a cache.
     *
     * @param queries [tokens, heads, dim], none of them 0
     * @param weights [tokens, heads]
     * @param keys rows of width dim, at least one
     * @return [tokens, rows]
     */
    Tensor forward(Tensor queries, Tensor weights, CacheRows keys);

    /**
     * Gradients of the inputs; products are computed again.
     *
     * @param queries as in the forward pass
     * @param weights as in the forward pass
     * @param keys as in the forward pass
     * @param dScores gradient of the scores
     * @return gradients of all inputs
     */
    Gradients gradients(Tensor queries, Tensor weights, Tensor keys, Tensor dScores);

    /**
     * Gradients of the inputs, each of its input's shape.
     *
     * @param queries of the queries
     * @param weights of the weights
     * @param keys of the keys
     */
    record Gradients(Tensor queries, Tensor weights, Tensor keys) {}
}
