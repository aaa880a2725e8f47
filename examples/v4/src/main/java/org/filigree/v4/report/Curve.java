package org.filigree.v4.report;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Points to draw, in order of x. Not finite values are left out, as nothing can be drawn there.
 *
 * @param name entry in the legend
 * @param x    horizontal positions
 * @param y    vertical positions, as many
 * @param look how to draw them
 */
@SuppressWarnings("ArrayRecordComponent") // Read point by point.
record Curve(String name, double[] x, double[] y, CurveLook look) {
    /** As many points as a plot has columns to tell apart, about. */
    private static final int MOST_POINTS = 1500;

    static Curve of(String name, double[] x, double[] y, CurveLook look) {
        int[] finite =
                IntStream.range(0, y.length).filter(i -> Double.isFinite(y[i])).toArray();
        return new Curve(
                name,
                Arrays.stream(finite).mapToDouble(i -> x[i]).toArray(),
                Arrays.stream(finite).mapToDouble(i -> y[i]).toArray(),
                look);
    }

    /**
     * The mean of about a twenty-fifth of all points around each. At the steep start, of fewer, but as many on both
     * sides; at the flat end, of fewer after than before.
     */
    Curve smoothed(String smoothedName, CurveLook smoothedLook) {
        double[] sums = new double[y.length + 1];
        for (int i = 0; i < y.length; i++) sums[i + 1] = sums[i] + y[i];
        double[] means = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            int reach = Math.min(y.length / 50, i);
            int end = Math.min(i + reach + 1, y.length);
            means[i] = (sums[end] - sums[i - reach]) / (end - i + reach);
        }
        return new Curve(smoothedName, x, means, smoothedLook);
    }

    /** Means of neighbouring points where there are more than can be told apart. */
    Curve thinned() {
        int group = (y.length + MOST_POINTS - 1) / MOST_POINTS;
        return group <= 1 ? this : new Curve(name, means(x, group), means(y, group), look);
    }

    private static double[] means(double[] values, int group) {
        double[] means = new double[(values.length + group - 1) / group];
        for (int i = 0; i < means.length; i++) {
            int from = i * group;
            int to = Math.min(values.length, from + group);
            means[i] = DoubleStream.of(Arrays.copyOfRange(values, from, to))
                    .average()
                    .orElseThrow();
        }
        return means;
    }
}
