package org.filigree.attention;

import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Tensor;

/**
 * Hears the scores of every layer that a pass runs through: what training an indexer needs, and what a look at its choice needs.
 * Put one into the {@link Context} under {@link #KEY}; layers without a scorer stay silent.
 */
@FunctionalInterface
public interface ScoreListener {
    /** Where a layer looks for a listener. */
    Context.Key<ScoreListener> KEY = new Context.Key<>("score listener", ScoreListener.class);

    /**
     * Called once a forward pass of a layer, once for each sequence where the pass goes through caches.
     *
     * @param heard scores and logits
     */
    void heard(Heard heard);

    /**
     * The scores of one layer, and what they should predict.
     *
     * @param scores [batch, tokens, keys], differentiable in the scorer's parameters alone
     * @param attentionLogits scaled logits of the attention itself over all keys, visible or not, [batch, tokens, heads, keys],
     *     without gradient
     * @param visibility which of the keys each query may choose from
     */
    record Heard(Tensor scores, Tensor attentionLogits, Visibility visibility) {}
}
