package org.filigree.attention.compressed;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The few formulas that the plain loops of this package share. */
final class NaiveProducts {
    private NaiveProducts() {}

    /** Row of a matrix times a vector. */
    static double row(double[] matrix, int row, double[] x) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += matrix[row * x.length + i] * x[i];
        }
        return sum;
    }

    /** Some rows of a matrix times a vector. */
    static double[] rows(double[] matrix, int from, int to, double[] x) {
        double[] y = new double[to - from];
        for (int r = from; r < to; r++) {
            y[r - from] = row(matrix, r, x);
        }
        return y;
    }

    /** A matrix times a vector. */
    static double[] times(double[] matrix, double[] x) {
        return rows(matrix, 0, matrix.length / x.length, x);
    }

    /** x/√(mean x² + eps)∘weight. */
    static double[] rmsNorm(double[] x, double[] weight, double eps) {
        double square = 0;
        for (double value : x) {
            square += value * value / x.length;
        }
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = x[i] / Math.sqrt(square + eps) * weight[i];
        }
        return y;
    }

    /** x/√(mean x² + eps). */
    static double[] rmsNorm(double[] x, double eps) {
        double[] ones = new double[x.length];
        Arrays.fill(ones, 1);
        return rmsNorm(x, ones, eps);
    }

    /** The last channels in neighbouring pairs, turned by position·frequency, cosines and sines in float32; direction −1 turns back. */
    static double[] rotated(double[] x, int position, float[] frequencies, int direction) {
        double[] y = x.clone();
        int kept = x.length - 2 * frequencies.length;
        for (int i = 0; i < frequencies.length; i++) {
            float angle = (float) position * frequencies[i];
            float cos = (float) Math.cos(angle);
            float sin = direction * (float) Math.sin(angle);
            double a = x[kept + 2 * i];
            double b = x[kept + 2 * i + 1];
            y[kept + 2 * i] = a * cos - b * sin;
            y[kept + 2 * i + 1] = a * sin + b * cos;
        }
        return y;
    }

    /** x·H/√n, H the Walsh–Hadamard matrix in natural order. */
    static double[] hadamard(double[] x) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < x.length; j++) {
                y[i] += ((Integer.bitCount(i & j) & 1) == 0 ? x[j] : -x[j]) / Math.sqrt(x.length);
            }
        }
        return y;
    }

    static double dot(double[] a, double[] b) {
        return row(a, 0, b);
    }

    /** Places of the k largest that are not −∞, ties to the lower place. */
    static List<Integer> best(double[] scores, int k) {
        return IntStream.range(0, scores.length)
                .filter(i -> scores[i] > Double.NEGATIVE_INFINITY)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -scores[i]).thenComparing(i -> i))
                .limit(k)
                .toList();
    }
}
