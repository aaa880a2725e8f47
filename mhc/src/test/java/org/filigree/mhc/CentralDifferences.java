package org.filigree.mhc;

import java.util.function.DoubleSupplier;

/**
 * The gradient of plain loops in double by moving one value at a time. Differences over a step and over half of it are combined so that
 * their errors of second order cancel: x/rms(x) of a single entry near 0 bends within √ε = 1e-3, and simple differences would be off by
 * (1e-5/1e-3)² there.
 */
final class CentralDifferences {
    private static final double STEP = 1e-5;

    private CentralDifferences() {}

    /** Moves values in place, which the loss reads, and puts them back. */
    static double[] of(double[] values, DoubleSupplier loss) {
        double[] differences = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            differences[i] = (4 * of(values, i, STEP / 2, loss) - of(values, i, STEP, loss)) / 3;
        }
        return differences;
    }

    private static double of(double[] values, int i, double step, DoubleSupplier loss) {
        double kept = values[i];
        values[i] = kept + step;
        double above = loss.getAsDouble();
        values[i] = kept - step;
        double below = loss.getAsDouble();
        values[i] = kept;
        return (above - below) / (2 * step);
    }
}
