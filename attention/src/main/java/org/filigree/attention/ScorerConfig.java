package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;

/** Makes the scorer of an attention layer; implement it to bring your own. */
public interface ScorerConfig {
    /**
     * Widths that the surrounding layer fixes.
     *
     * @param width of the activations
     * @param queryLatent of the compressed queries
     * @param rotary rotated channels
     */
    record Widths(int width, int queryLatent, int rotary) {
        /** Checks the widths. */
        public Widths {
            Check.positive("scorer: width", width);
            Check.positive("scorer: query latent width", queryLatent);
            Check.positive("scorer: rotary width", rotary);
        }
    }

    /** {@return channels of the scorer's own key for each token, 0 if it needs none} */
    int keyWidth();

    /**
     * How many numbers its parameters hold.
     *
     * @param widths widths that the layer fixes
     * @return number of elements
     */
    long parameterCount(Widths widths);

    /**
     * Builds the scorer.
     *
     * @param widths widths that the layer fixes
     * @param backend where its parameters live
     * @param random draws them
     * @return the scorer
     */
    Scorer init(Widths widths, Backend backend, RandomStream random);
}
