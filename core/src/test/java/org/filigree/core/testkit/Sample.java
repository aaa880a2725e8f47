package org.filigree.core.testkit;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * An operand of a test, kept apart from any backend so that the same numbers go to all of them. Real values are float32 numbers,
 * whatever precision a backend has.
 *
 * @param name for messages
 * @param shape extents
 * @param dtype element type
 * @param values row-major; whole numbers where the type is INT32
 * @param role whether its gradient is checked
 */
@SuppressWarnings("ArrayRecordComponent") // Written once by the factories below, read by the kit alone.
public record Sample(String name, Shape shape, DType dtype, double[] values, Role role) {
    /** Whether a gradient is asked for. */
    public enum Role {
        /** A leaf of the graph. */
        VARIABLE,
        /** No gradient flows to it. */
        CONSTANT
    }

    /**
     * Standard normal deviates.
     *
     * @param name for messages
     * @param random where they come from; the name picks a stream of its own
     * @param dims extents
     * @return a variable
     */
    public static Sample gaussian(String name, RandomStream random, int... dims) {
        Shape shape = Shape.of(dims);
        RandomStream own = random.fork(name);
        double[] values = new double[Math.toIntExact(shape.size())];
        Arrays.setAll(values, i -> (float) own.nextGaussian());
        return new Sample(name, shape, DType.FLOAT32, values, Role.VARIABLE);
    }

    /**
     * Given real numbers, rounded to float32.
     *
     * @param name for messages
     * @param shape extents
     * @param values row-major
     * @return a variable
     */
    public static Sample real(String name, Shape shape, double... values) {
        return new Sample(
                name,
                shape,
                DType.FLOAT32,
                Arrays.stream(values).map(v -> (float) v).toArray(),
                Role.VARIABLE);
    }

    /**
     * Given integers.
     *
     * @param name for messages
     * @param shape extents
     * @param values row-major
     * @return a constant
     */
    public static Sample ints(String name, Shape shape, int... values) {
        return new Sample(
                name, shape, DType.INT32, Arrays.stream(values).asDoubleStream().toArray(), Role.CONSTANT);
    }

    /**
     * Uniform integers.
     *
     * @param name for messages
     * @param random where they come from
     * @param low smallest
     * @param high one more than the largest
     * @param dims extents
     * @return a constant
     */
    public static Sample indices(String name, RandomStream random, int low, int high, int... dims) {
        Shape shape = Shape.of(dims);
        RandomStream own = random.fork(name);
        int[] values = new int[Math.toIntExact(shape.size())];
        Arrays.setAll(values, i -> low + own.nextInt(high - low));
        return ints(name, shape, values);
    }

    /**
     * Another sample with each value mapped, rounded to float32.
     *
     * @param function of one value
     * @return a new sample
     */
    public Sample map(DoubleUnaryOperator function) {
        return real(name, shape, Arrays.stream(values).map(function).toArray());
    }

    /** {@return the same numbers as a constant} */
    public Sample constant() {
        return new Sample(name, shape, dtype, values, Role.CONSTANT);
    }

    /** {@return whether a gradient is asked for} */
    public boolean variable() {
        return role == Role.VARIABLE;
    }

    /**
     * The sample as a tensor, not a leaf.
     *
     * @param backend where it shall live
     * @return a tensor
     */
    public Tensor on(Backend backend) {
        return on(backend, values);
    }

    /** Other values in place of the sample's own. */
    Tensor on(Backend backend, double[] other) {
        return dtype == DType.INT32
                ? backend.tensors()
                        .ints(shape, Arrays.stream(other).mapToInt(v -> (int) v).toArray())
                : backend.tensors().doubles(shape, other);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Sample sample
                && name.equals(sample.name)
                && shape.equals(sample.shape)
                && dtype == sample.dtype
                && role == sample.role
                && Arrays.equals(values, sample.values);
    }

    @Override
    public int hashCode() {
        return name.hashCode() * 31 + Arrays.hashCode(values);
    }

    @Override
    public String toString() {
        return name + " " + dtype + shape;
    }
}
