package org.filigree.attention;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@linkplain SparseAttention#gathered() Gathered} sparse attention, forward and backward, a few keys of a token at a time. */
public interface SparseAttentionKernel extends FusedKernel {
    /**
     * Attends.
     *
     * @param input queries, keys and the choice; no queries or keys are missing
     * @return output and log-sum-exp
     * @throws IndexOutOfBoundsException if an index is neither −1 nor a key
     */
    Attended forward(AttentionInput input);

    /**
     * Gradients of the inputs; logits are computed again.
     *
     * @param input as in the forward pass
     * @param result of the forward pass
     * @param dOutput gradient of the output
     * @param dLogSumExp gradient of the log-sum-exp, null for none
     * @return gradients of all inputs
     */
    Gradients gradients(AttentionInput input, Attended result, Tensor dOutput, @Nullable Tensor dLogSumExp);

    /**
     * Gradients of the inputs, each of its input's shape.
     *
     * @param queries of the queries
     * @param keyValues of the keys, their values' channels included
     * @param sinks of the sinks, null if there are none
     */
    record Gradients(
            Tensor queries, Tensor keyValues, @Nullable Tensor sinks) {}
}
