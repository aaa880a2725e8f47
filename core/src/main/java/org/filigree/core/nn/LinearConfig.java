package org.filigree.core.nn;

import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;

/**
 * Sizes of a linear layer.
 *
 * @param inputs width of its input
 * @param outputs width of its output
 * @param bias whether a bias is added
 * @param initializer how the weight starts; a bias starts at 0
 */
public record LinearConfig(int inputs, int outputs, Bias bias, Initializer initializer) {
    /** Whether a bias is added to the product. */
    public enum Bias {
        /** y = x·Wᵀ. */
        ABSENT,
        /** y = x·Wᵀ + b. */
        PRESENT
    }

    /** Checks the sizes. */
    public LinearConfig {
        Check.positive("linear: inputs", inputs);
        Check.positive("linear: outputs", outputs);
    }

    /**
     * A layer without bias, its weight drawn by {@link Initializer#fanIn}.
     *
     * @param inputs width of its input
     * @param outputs width of its output
     * @return the configuration
     */
    public static LinearConfig of(int inputs, int outputs) {
        return new LinearConfig(inputs, outputs, Bias.ABSENT, Initializer.fanIn());
    }

    /**
     * The same layer with a bias.
     *
     * @return a new configuration
     */
    public LinearConfig withBias() {
        return new LinearConfig(inputs, outputs, Bias.PRESENT, initializer);
    }

    /**
     * The same layer with another start.
     *
     * @param start how the weight starts
     * @return a new configuration
     */
    public LinearConfig withInitializer(Initializer start) {
        return new LinearConfig(inputs, outputs, bias, start);
    }

    /**
     * Builds the layer.
     *
     * @param backend where its parameters live
     * @param random draws the weight
     * @return the layer
     */
    public Linear init(Backend backend, RandomStream random) {
        Parameter weight =
                Parameter.learned(initializer.draw(backend, Shape.of(outputs, inputs), random.fork("weight")));
        return bias == Bias.ABSENT
                ? new Linear(weight)
                : new Linear(weight, Parameter.learned(backend.tensors().zeros(Shape.of(outputs))));
    }
}
