package org.filigree.core.testkit;

import java.util.Arrays;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Comparison of results with their oracle; a failure names the result, the worst place and both values. */
public final class Compare {
    private Compare() {}

    /**
     * Requires the same shape and close elements. NaN agrees with NaN only, an infinity with itself only.
     *
     * @param name of the result, for the message
     * @param expected from the oracle
     * @param actual under test, on any backend
     * @param tolerance how far apart they may be
     */
    public static void assertClose(String name, Tensor expected, Tensor actual, Tolerance tolerance) {
        if (!expected.shape().equals(actual.shape())) {
            throw new AssertionError(name + ": shape " + actual.shape() + " but expected " + expected.shape());
        }
        assertClose(name, expected.shape(), expected.toDoubles(), actual.toDoubles(), tolerance);
    }

    /**
     * Requires close elements.
     *
     * @param name of the result, for the message
     * @param expected from the oracle, row-major
     * @param actual under test, on any backend
     * @param tolerance how far apart they may be
     */
    public static void assertClose(String name, double[] expected, Tensor actual, Tolerance tolerance) {
        assertClose(name, actual.shape(), expected, actual.toDoubles(), tolerance);
    }

    /**
     * Requires close elements.
     *
     * @param name of the result, for the message
     * @param expected from the oracle, row-major
     * @param actual under test, on any backend
     * @param tolerance how far apart they may be
     */
    public static void assertClose(String name, float[] expected, Tensor actual, Tolerance tolerance) {
        assertClose(name, widened(expected), actual, tolerance);
    }

    /**
     * Requires close elements.
     *
     * @param name of the result, for the message
     * @param expected from the oracle
     * @param actual under test
     * @param tolerance how far apart they may be
     */
    public static void assertClose(String name, float[] expected, float[] actual, Tolerance tolerance) {
        assertClose(name, Shape.of(actual.length), widened(expected), widened(actual), tolerance);
    }

    /**
     * Requires close elements.
     *
     * @param name of the result, for the message
     * @param expected from the oracle
     * @param actual under test
     * @param tolerance how far apart they may be
     */
    public static void assertClose(String name, double[] expected, double[] actual, Tolerance tolerance) {
        assertClose(name, Shape.of(actual.length), expected, actual, tolerance);
    }

    private static void assertClose(String name, Shape shape, double[] expected, double[] actual, Tolerance tolerance) {
        if (expected.length != actual.length) {
            throw new AssertionError(name + ": " + actual.length + " elements but expected " + expected.length);
        }
        double bound = tolerance.bound(largest(expected));
        int worst = -1;
        double worstGap = -1;
        int wrong = 0;
        for (int i = 0; i < expected.length; i++) {
            double gap = gap(expected[i], actual[i]);
            if (gap > bound) {
                wrong++;
                if (gap > worstGap) {
                    worst = i;
                    worstGap = gap;
                }
            }
        }
        if (worst >= 0) {
            throw new AssertionError(name + place(shape, worst) + ": expected " + expected[worst] + " but was "
                    + actual[worst] + ", apart by " + worstGap + " where " + bound + " is allowed (" + wrong + " of "
                    + expected.length + " elements are too far off)");
        }
    }

    private static double gap(double expected, double actual) {
        if (expected == actual || (Double.isNaN(expected) && Double.isNaN(actual))) {
            return 0;
        }
        double gap = Math.abs(expected - actual);
        return Double.isNaN(gap) ? Double.POSITIVE_INFINITY : gap;
    }

    private static double largest(double[] values) {
        return Arrays.stream(values)
                .map(Math::abs)
                .filter(Double::isFinite)
                .max()
                .orElse(0);
    }

    private static String place(Shape shape, int offset) {
        int[] index = new int[shape.rank()];
        int rest = offset;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            index[axis] = rest % shape.dim(axis);
            rest /= shape.dim(axis);
        }
        return Arrays.toString(index);
    }

    private static double[] widened(float[] values) {
        double[] wide = new double[values.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }
}
