package org.filigree.core.nn;

import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Draws the first value of a parameter. */
@FunctionalInterface
public interface Initializer {
    /**
     * Draws a value.
     *
     * @param backend where the tensor shall live
     * @param shape its extents
     * @param random where randomness comes from
     * @return a FLOAT32 tensor
     */
    Tensor draw(Backend backend, Shape shape, RandomStream random);

    /** {@return all zeros} */
    static Initializer zeros() {
        return constant(0);
    }

    /** {@return all ones} */
    static Initializer ones() {
        return constant(1);
    }

    /**
     * A constant.
     *
     * @param value every element
     * @return the initialiser
     */
    static Initializer constant(double value) {
        return (backend, shape, random) -> backend.tensors().full(shape, value);
    }

    /**
     * Independent normal deviates around 0.
     *
     * @param deviation standard deviation
     * @return the initialiser
     */
    static Initializer normal(double deviation) {
        Check.notNegative("normal: deviation", deviation);
        return (backend, shape, random) -> {
            float[] values = new float[Math.toIntExact(shape.size())];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * deviation);
            }
            return backend.tensors().floats(shape, values);
        };
    }

    /**
     * Independent uniform deviates.
     *
     * @param bound half width of the interval around 0
     * @return the initialiser
     */
    static Initializer uniform(double bound) {
        Check.notNegative("uniform: bound", bound);
        return (backend, shape, random) -> {
            float[] values = new float[Math.toIntExact(shape.size())];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
            }
            return backend.tensors().floats(shape, values);
        };
    }

    /**
     * Normal deviates with variance 1/fan-in, the fan-in being the last dimension: a product with such a weight keeps the variance of
     * its input (LeCun et al., 1998).
     *
     * @return the initialiser
     */
    static Initializer fanIn() {
        return (backend, shape, random) ->
                normal(1 / Math.sqrt(Math.max(1, shape.dim(-1)))).draw(backend, shape, random);
    }
}
