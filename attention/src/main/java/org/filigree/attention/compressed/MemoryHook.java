package org.filigree.attention.compressed;

import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * Brings keys from outside the sequence into a layer's softmax: retrieved passages, a learned store, the summary of an earlier
 * conversation. Put one into the {@link Context} under {@link #KEY}; every {@link CompressedAttention} layer of the pass asks it.
 */
@FunctionalInterface
public interface MemoryHook {
    /** Where a layer looks for a hook. */
    Context.Key<MemoryHook> KEY = new Context.Key<>("attention memory", MemoryHook.class);

    /**
     * Who asks.
     *
     * @param layer the layer, which parameters of a memory may belong to
     * @param x activations of the tokens at hand, [batch, tokens, width]; batch is 1 where the pass goes through caches
     * @param sequence which sequence of the pass it is where the pass goes through caches, else 0
     * @param start position of the first token
     */
    record Question(CompressedAttention layer, Tensor x, int sequence, int start) {}

    /**
     * What is remembered.
     *
     * @param keys [batch, memories, head], each key also a value, not rotated; none is fine. Gradients flow back to them
     * @param position where they count as standing, 0 for before everything else
     */
    record Recalled(Tensor keys, int position) {
        /** Checks the rank and the position. */
        public Recalled {
            Check.rank("attention memory", "keys", keys, 3);
            Check.notNegative("attention memory: position", position);
        }
    }

    /**
     * What all tokens of a pass shall see, beside their window and entries.
     *
     * @param question who asks
     * @return keys
     */
    Recalled recall(Question question);
}
