package org.filigree.attention.compressed;

import java.util.Arrays;

/** Rows of a matrix, for plain loops. */
final class Rows {
    private Rows() {}

    static double[][] of(double[] matrix, int from, int rows, int width) {
        double[][] parts = new double[rows][];
        for (int r = 0; r < rows; r++) {
            parts[r] = Arrays.copyOfRange(matrix, (from + r) * width, (from + r + 1) * width);
        }
        return parts;
    }

    static double[] joined(double[][] rows) {
        return Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    }
}
