package org.filigree.mhc;

/**
 * The largest singular value of a small matrix, by one-sided Jacobi rotations: columns are turned in pairs until all are orthogonal,
 * and the longest then is the norm. Accurate to some roundings, also where singular values differ by orders of magnitude.
 */
final class SpectralNorm {
    /** Cosine between two columns that count as orthogonal. */
    private static final double ORTHOGONAL = 1e-15;

    /** Convergence is quadratic; matrices of n ≤ 8 need about six. */
    private static final int MOST_SWEEPS = 60;

    private SpectralNorm() {}

    /** max ‖Mx‖/‖x‖ of a square matrix; NaN if an entry is not finite. */
    static double of(double[][] matrix) {
        int n = matrix.length;
        double[][] columns = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                if (!Double.isFinite(matrix[i][j])) {
                    return Double.NaN;
                }
                columns[j][i] = matrix[i][j];
            }
        }
        boolean turned = true;
        for (int sweep = 0; turned && sweep < MOST_SWEEPS; sweep++) {
            turned = false;
            for (int p = 0; p < n; p++) {
                for (int q = p + 1; q < n; q++) {
                    turned |= orthogonalise(columns[p], columns[q]);
                }
            }
        }
        double largest = 0;
        for (double[] column : columns) {
            largest = Math.max(largest, dot(column, column));
        }
        return Math.sqrt(largest);
    }

    private static boolean orthogonalise(double[] p, double[] q) {
        double pp = dot(p, p);
        double qq = dot(q, q);
        double pq = dot(p, q);
        if (Math.abs(pq) <= ORTHOGONAL * Math.sqrt(pp * qq)) {
            return false;
        }
        double zeta = (qq - pp) / (2 * pq);
        double tangent = Math.copySign(1, zeta) / (Math.abs(zeta) + Math.hypot(1, zeta));
        double cosine = 1 / Math.hypot(1, tangent);
        double sine = cosine * tangent;
        for (int i = 0; i < p.length; i++) {
            double old = p[i];
            p[i] = cosine * old - sine * q[i];
            q[i] = sine * old + cosine * q[i];
        }
        return true;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
