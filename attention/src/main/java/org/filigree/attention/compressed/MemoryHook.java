package org.filigree.attention.compressed;

import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * Brings keys from outside the sequence into a layer's softmax: retrieved passages, a learned store, the summary of an earlier
 * conversation. Put one into the {@link Context} under {@link #KEY}.
 *
 * <p>Every {@link CompressedAttention} layer asks once in each pass, or once for each sequence where the pass goes through caches, before it
 * appends anything of that sequence; not where a pass has no tokens. {@link SourcedAttention} and latent attention do not ask: a hook changes nothing there.
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
        /** Checks keys and position. */
        public Recalled {
            if (keys == null) {
                throw new IllegalArgumentException("attention memory: keys are null; where nothing is remembered, give"
                        + " keys [batch, 0, head]");
            }
            Check.rank("attention memory", "keys", keys, 3);
            Check.notNegative("attention memory: position", position);
        }
    }

    /**
     * What all tokens of a pass shall see, beside their window and entries.
     *
     * @param question who asks
     * @return keys; an answer of another shape, or none, is refused with the hook's name
     */
    Recalled recall(Question question);
}
