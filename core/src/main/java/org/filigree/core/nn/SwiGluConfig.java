package org.filigree.core.nn;

import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;

/**
 * Sizes of a gated feed-forward layer.
 *
 * @param width width of the activations
 * @param hidden width inside
 * @param limit clamp of gate and up projections, +∞ for none
 */
public record SwiGluConfig(int width, int hidden, double limit) {
    /** Checks the sizes. */
    public SwiGluConfig {
        Check.positive("swiGlu: width", width);
        Check.positive("swiGlu: hidden", hidden);
        if (!(limit > 0)) {
            throw new IllegalArgumentException("swiGlu: limit must be positive (infinite for none) but is " + limit);
        }
    }

    /**
     * A layer without clamp.
     *
     * @param width width of the activations
     * @param hidden width inside
     * @return the configuration
     */
    public static SwiGluConfig of(int width, int hidden) {
        return new SwiGluConfig(width, hidden, Double.POSITIVE_INFINITY);
    }

    /**
     * The same layer with a clamp.
     *
     * @param clamp limit of gate and up projections
     * @return a new configuration
     */
    public SwiGluConfig withLimit(double clamp) {
        return new SwiGluConfig(width, hidden, clamp);
    }

    /**
     * Builds the layer.
     *
     * @param backend where its parameters live
     * @param random draws the weights
     * @return the layer
     */
    public SwiGlu init(Backend backend, RandomStream random) {
        return new SwiGlu(
                LinearConfig.of(width, hidden).init(backend, random.fork("w1")),
                LinearConfig.of(width, hidden).init(backend, random.fork("w3")),
                LinearConfig.of(hidden, width).init(backend, random.fork("w2")),
                limit);
    }
}
