package org.filigree.mhc;

import java.util.function.DoubleSupplier;

/** The gradient of plain loops in double by moving one value at a time. */
final class CentralDifferences {
    private static final double STEP = 1e-5;

    private CentralDifferences() {}

    /** Moves values in place, which the loss reads, and puts them back. */
    static double[] of(double[] values, DoubleSupplier loss) {
        double[] differences = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            double kept = values[i];
            values[i] = kept + STEP;
            double above = loss.getAsDouble();
            values[i] = kept - STEP;
            differences[i] = (above - loss.getAsDouble()) / (2 * STEP);
            values[i] = kept;
        }
        return differences;
    }
}
