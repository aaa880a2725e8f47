package org.filigree.attention;

/**
 * Attends to chosen keys: output = Σ_j p_j·value_j over the indices, p = softmax of scale·query·key, the head's sink taking part in
 * the softmax without a value.
 */
@FunctionalInterface
public interface SparseAttention {
    /**
     * Attends.
     *
     * @param input queries, keys and the choice
     * @return output and log-sum-exp, differentiable in queries, keys and sinks
     * @throws IndexOutOfBoundsException if an index is neither −1 nor a key
     */
    Attended attend(AttentionInput input);

    /** {@return a form that reads the chosen keys alone: time and memory follow tokens · chosen} */
    static SparseAttention gathered() {
        return new GatheredAttention();
    }

    /** {@return a form that computes all logits and masks: time and memory follow tokens · keys} */
    static SparseAttention masked() {
        return new MaskedAttention();
    }

    /** {@return whichever of the two should be faster for the numbers of keys and chosen keys at hand} */
    static SparseAttention cheaper() {
        return new CheaperAttention();
    }
}
