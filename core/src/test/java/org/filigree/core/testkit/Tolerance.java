package org.filigree.core.testkit;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;

/**
 * How far a result may lie from its oracle: |actual − expected| ≤ relative · max(largest |expected|, floor).
 *
 * <p>Rounding errors of a sum of n terms grow like √n for the backends' unit roundoff u, so the rule is
 * {@value #STEPS}·u·√n, {@value #STEPS} being the rounded steps that one operation may take around its sum. The floor serves results
 * that cancel: their error is relative to what cancelled, not to what is left.
 *
 * @param relative allowed difference relative to the largest expected value
 * @param floor least value that counts as the largest
 */
public record Tolerance(double relative, double floor) {
    /** Equal bits, but for the sign of zero. */
    public static final Tolerance EXACT = new Tolerance(0, 0);

    /** What central differences with the steps of {@link GradientCheck} can resolve in double precision. */
    static final Tolerance CENTRAL_DIFFERENCES = new Tolerance(1e-7, 1);

    private static final int STEPS = 16;
    private static final double FLOAT_ROUNDOFF = 0x1p-24;
    private static final double DOUBLE_ROUNDOFF = 0x1p-53;

    /**
     * A given bound, for cases whose tolerance is part of their definition.
     *
     * @param relative allowed difference relative to the largest expected value
     * @return the tolerance
     */
    public static Tolerance relative(double relative) {
        return new Tolerance(relative, 0);
    }

    /**
     * The rule for a computation in float32.
     *
     * @param reduction terms of its longest sum, at least 1
     * @return the tolerance
     */
    public static Tolerance float32(long reduction) {
        return relative(STEPS * FLOAT_ROUNDOFF * Math.sqrt((double) Math.max(1, reduction)));
    }

    /**
     * The rule for a computation in float64.
     *
     * @param reduction terms of its longest sum, at least 1
     * @return the tolerance
     */
    public static Tolerance float64(long reduction) {
        return relative(STEPS * DOUBLE_ROUNDOFF * Math.sqrt((double) Math.max(1, reduction)));
    }

    /**
     * The rule for a computation on a backend, in the precision that it keeps.
     *
     * @param backend where it runs
     * @param reduction terms of its longest sum, at least 1
     * @return the tolerance
     */
    public static Tolerance of(Backend backend, long reduction) {
        double fine = 1 + 0x1p-40;
        boolean wide =
                backend.tensors().doubles(Shape.of(), new double[] {fine}).item() == fine;
        return wide ? float64(reduction) : float32(reduction);
    }

    /**
     * The rule for several operations one after another.
     *
     * @param count how many
     * @return this tolerance times as much
     */
    public Tolerance times(double count) {
        return new Tolerance(relative * count, floor);
    }

    /**
     * For results that may be smaller than what they are made of.
     *
     * @param magnitude of what they are made of
     * @return the same with a floor
     */
    public Tolerance withFloor(double magnitude) {
        return new Tolerance(relative, magnitude);
    }

    /**
     * The bound of either of two, whichever is wider.
     *
     * @param other another tolerance
     * @return a tolerance that is met wherever one of the two is
     */
    public Tolerance or(Tolerance other) {
        return new Tolerance(Math.max(relative, other.relative), Math.max(floor, other.floor));
    }

    /**
     * The allowed difference.
     *
     * @param largest largest absolute expected value
     * @return absolute bound
     */
    double bound(double largest) {
        return relative * Math.max(largest, floor);
    }
}
