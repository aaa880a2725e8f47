package org.filigree.core.backend;

import org.filigree.core.tensor.Tensor;

/** Sums, maxima and running sums along one axis. Axes are counted from 0; operands are FLOAT32. */
public interface Reductions {
    /**
     * Sum along an axis, which disappears.
     *
     * @param x operand
     * @param axis which axis
     * @return x's shape without the axis; 0 where the axis is empty
     */
    Tensor sum(Tensor x, int axis);

    /**
     * Maximum along an axis, which disappears.
     *
     * @param x operand
     * @param axis which axis
     * @return x's shape without the axis; −∞ where the axis is empty, NaN where a NaN is
     */
    Tensor max(Tensor x, int axis);

    /**
     * Running sum along an axis: element i of the result is the sum of elements 0…i, or of i…n−1.
     *
     * @param x operand
     * @param axis which axis
     * @param direction from which end the sum runs
     * @return same shape as x
     */
    Tensor cumulativeSum(Tensor x, int axis, Direction direction);

    /** The end from which a running sum starts. */
    enum Direction {
        /** From element 0. */
        FORWARD,
        /** From the last element. */
        BACKWARD
    }
}
