package org.filigree.mhc;

/**
 * What Sinkhorn–Knopp without ε converges to, by Newton's method on the column potentials: f(b) = Σ_i log Σ_k exp(A_ik + b_k) − Σ_k b_k is
 * convex, and where its gradient c − 1 vanishes, the softmax P of A + b is doubly stochastic. Its gradient is the implicit one.
 */
final class NewtonSinkhorn {
    private final int n;

    NewtonSinkhorn(int n) {
        this.n = n;
    }

    SquareMatrix limit(double[] logits) {
        double[] b = new double[n];
        SquareMatrix p = softmax(logits, b);
        for (int step = 0; step < 100 && error(p) > 1e-14; step++) {
            double[] gradient = p.columnSums();
            double[][] hessian = new double[n - 1][n - 1];
            SquareMatrix squared = p.transposed().times(p);
            for (int i = 0; i < n - 1; i++) {
                for (int k = 0; k < n - 1; k++) {
                    hessian[i][k] = (i == k ? gradient[i] : 0) - squared.at(i, k);
                }
            }
            double[] right = new double[n - 1];
            for (int i = 0; i < n - 1; i++) {
                right[i] = 1 - gradient[i];
            }
            double[] direction = solved(hessian, right);
            // Near the minimum the objective changes by less than it is rounded.
            double start = objective(logits, b);
            double most = start + 1e-12 * Math.max(1, Math.abs(start));
            double length = 1;
            double[] moved = moved(b, direction, length);
            while (length > 1e-6 && objective(logits, moved) > most) {
                length /= 2;
                moved = moved(b, direction, length);
            }
            b = moved;
            p = softmax(logits, b);
        }
        return p;
    }

    /** Of the logits of P: Q − P∘(a1ᵀ + 1bᵀ) with Q = P∘G and [I P; Pᵀ I][a; b] = [rows; columns] of Q, b_{n−1} = 0. */
    double[] gradient(SquareMatrix p, double[] upstream) {
        double[] q = new double[n * n];
        for (int i = 0; i < q.length; i++) {
            q[i] = p.entries()[i] * upstream[i];
        }
        double[] rows = new SquareMatrix(n, q).rowSums();
        double[] columns = new SquareMatrix(n, q).columnSums();
        SquareMatrix squared = p.transposed().times(p);
        double[][] matrix = new double[n - 1][n - 1];
        double[] right = new double[n - 1];
        for (int k = 0; k < n - 1; k++) {
            right[k] = columns[k];
            for (int i = 0; i < n; i++) {
                right[k] -= p.at(i, k) * rows[i];
            }
            for (int other = 0; other < n - 1; other++) {
                matrix[k][other] = (k == other ? 1 : 0) - squared.at(k, other);
            }
        }
        double[] b = solved(matrix, right);
        for (int i = 0; i < n; i++) {
            double a = rows[i];
            for (int k = 0; k < n - 1; k++) {
                a -= p.at(i, k) * b[k];
            }
            for (int k = 0; k < n; k++) {
                q[i * n + k] -= p.at(i, k) * (a + (k < n - 1 ? b[k] : 0));
            }
        }
        return q;
    }

    private static double error(SquareMatrix p) {
        double error = 0;
        for (double sum : p.columnSums()) {
            error = Math.max(error, Math.abs(sum - 1));
        }
        return error;
    }

    private static double[] moved(double[] b, double[] direction, double length) {
        double[] moved = b.clone();
        for (int i = 0; i < direction.length; i++) {
            moved[i] += length * direction[i];
        }
        return moved;
    }

    private double objective(double[] logits, double[] b) {
        double f = 0;
        for (int i = 0; i < n; i++) {
            double max = max(logits, b, i);
            double sum = 0;
            for (int k = 0; k < n; k++) {
                sum += Math.exp(logits[i * n + k] + b[k] - max);
            }
            f += max + Math.log(sum) - b[i];
        }
        return f;
    }

    private SquareMatrix softmax(double[] logits, double[] b) {
        double[] p = new double[n * n];
        for (int i = 0; i < n; i++) {
            double max = max(logits, b, i);
            double sum = 0;
            for (int k = 0; k < n; k++) {
                p[i * n + k] = Math.exp(logits[i * n + k] + b[k] - max);
                sum += p[i * n + k];
            }
            for (int k = 0; k < n; k++) {
                p[i * n + k] /= sum;
            }
        }
        return new SquareMatrix(n, p);
    }

    private double max(double[] logits, double[] b, int row) {
        double max = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < n; k++) {
            max = Math.max(max, logits[row * n + k] + b[k]);
        }
        return max;
    }

    /** Gauss with pivots, in place. */
    private static double[] solved(double[][] a, double[] right) {
        int m = right.length;
        for (int c = 0; c < m; c++) {
            int pivot = c;
            for (int r = c + 1; r < m; r++) {
                pivot = Math.abs(a[r][c]) > Math.abs(a[pivot][c]) ? r : pivot;
            }
            double[] row = a[pivot];
            a[pivot] = a[c];
            a[c] = row;
            double value = right[pivot];
            right[pivot] = right[c];
            right[c] = value;
            for (int r = c + 1; r < m; r++) {
                double factor = a[r][c] / a[c][c];
                for (int k = c; k < m; k++) {
                    a[r][k] -= factor * a[c][k];
                }
                right[r] -= factor * right[c];
            }
        }
        for (int c = m - 1; c >= 0; c--) {
            for (int k = c + 1; k < m; k++) {
                right[c] -= a[c][k] * right[k];
            }
            right[c] /= a[c][c];
        }
        return right;
    }
}
