package org.filigree.mhc;

import java.util.Arrays;

/** A square matrix in double, as tests of mixes need it. */
@SuppressWarnings("ArrayRecordComponent")
record SquareMatrix(int n, double[] entries) {
    static SquareMatrix identity(int n) {
        return new SquareMatrix(n, new NaiveIdentity(n).forward(new double[0]));
    }

    double at(int row, int column) {
        return entries[row * n + column];
    }

    SquareMatrix times(SquareMatrix right) {
        double[] product = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                for (int j = 0; j < n; j++) {
                    product[i * n + j] += at(i, k) * right.at(k, j);
                }
            }
        }
        return new SquareMatrix(n, product);
    }

    SquareMatrix transposed() {
        double[] t = new double[n * n];
        for (int i = 0; i < t.length; i++) {
            t[i % n * n + i / n] = entries[i];
        }
        return new SquareMatrix(n, t);
    }

    double[] rowSums() {
        double[] sums = new double[n];
        for (int i = 0; i < entries.length; i++) {
            sums[i / n] += entries[i];
        }
        return sums;
    }

    double[] columnSums() {
        return transposed().rowSums();
    }

    /** Largest singular value, by powers of AᵀA; for matrices without negative entries, whose first singular vector has none either. */
    double spectralNorm() {
        SquareMatrix squared = transposed().times(this);
        double[] v = new double[n];
        Arrays.fill(v, 1 / Math.sqrt(n));
        double norm = 0;
        for (int step = 0; step < 500; step++) {
            double[] next = new double[n];
            double length = 0;
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    next[i] += squared.at(i, j) * v[j];
                }
                length += next[i] * next[i];
            }
            norm = Math.sqrt(length);
            for (int i = 0; i < n; i++) {
                v[i] = next[i] / norm;
            }
        }
        return Math.sqrt(norm);
    }

    double[][] rows() {
        double[][] rows = new double[n][];
        Arrays.setAll(rows, i -> Arrays.copyOfRange(entries, i * n, (i + 1) * n));
        return rows;
    }

    double distanceTo(SquareMatrix other) {
        double largest = 0;
        for (int i = 0; i < entries.length; i++) {
            largest = Math.max(largest, Math.abs(entries[i] - other.entries[i]));
        }
        return largest;
    }
}
