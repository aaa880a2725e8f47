package org.filigree.attention;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link ScaledDotProductAttention} forward and backward, in memory that is linear in the numbers of queries and keys. */
public interface ScaledDotProductKernel extends FusedKernel {
    /**
     * Attends.
     *
     * @param input queries, keys and values, none of them empty
     * @return output and log-sum-exp
     */
    Attended forward(DenseAttentionInput input);

    /**
     * Gradients of the inputs; logits are computed again.
     *
     * @param input as in the forward pass
     * @param result of the forward pass
     * @param dOutput gradient of the output
     * @param dLogSumExp gradient of the log-sum-exp, null for none
     * @return gradients of all inputs
     */
    Gradients gradients(DenseAttentionInput input, Attended result, Tensor dOutput, @Nullable Tensor dLogSumExp);

    /**
     * Gradients of the inputs, each of its input's shape.
     *
     * @param queries of the queries
     * @param keys of the keys
     * @param values of the values
     * @param sinks of the sinks, null if there are none
     */
    record Gradients(
            Tensor queries,
            Tensor keys,
            Tensor values,
            @Nullable Tensor sinks) {}
}
