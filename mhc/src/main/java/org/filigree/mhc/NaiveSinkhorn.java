package org.filigree.mhc;

import org.filigree.core.tensor.Check;

/** {@link Sinkhorn} on one matrix as plain loops in double: documentation and oracle. Row-major, entry j·n + k from source j to target k. */
final class NaiveSinkhorn implements NaiveMix {
    private final int n;
    private final int iterations;
    private final double eps;

    NaiveSinkhorn(int n, int iterations, double eps) {
        Check.positive("sinkhorn: n", n);
        Check.positive("sinkhorn: iterations", iterations);
        this.n = n;
        this.iterations = iterations;
        this.eps = eps;
    }

    @Override
    public double[] forward(double[] logits) {
        double[] x = softmaxOverTargets(logits);
        for (int i = 0; i < x.length; i++) {
            x[i] += eps;
        }
        divide(x, columnSums(x), true);
        for (int t = 1; t < iterations; t++) {
            divide(x, rowSums(x), false);
            divide(x, columnSums(x), true);
        }
        return x;
    }

    /** Unrolled: keeps x before each of the 2R−1 divisions, then walks back through them and the softmax. */
    @Override
    public double[] backward(double[] logits, double[] upstream) {
        double[] probabilities = softmaxOverTargets(logits);
        int steps = 2 * iterations - 1;
        double[][] before = new double[steps][];
        double[] x = probabilities.clone();
        for (int i = 0; i < x.length; i++) {
            x[i] += eps;
        }
        for (int s = 0; s < steps; s++) {
            before[s] = x.clone();
            boolean columns = s % 2 == 0;
            divide(x, columns ? columnSums(x) : rowSums(x), columns);
        }
        double[] g = upstream.clone();
        for (int s = steps - 1; s >= 0; s--) {
            boolean columns = s % 2 == 0;
            double[] sums = columns ? columnSums(before[s]) : rowSums(before[s]);
            double[] q = new double[n];
            for (int i = 0; i < g.length; i++) {
                int line = columns ? i % n : i / n;
                q[line] += g[i] * before[s][i] / (sums[line] + eps);
            }
            for (int i = 0; i < g.length; i++) {
                int line = columns ? i % n : i / n;
                g[i] = (g[i] - q[line]) / (sums[line] + eps);
            }
        }
        double[] inner = new double[n];
        for (int i = 0; i < g.length; i++) {
            inner[i / n] += g[i] * probabilities[i];
        }
        for (int i = 0; i < g.length; i++) {
            g[i] = probabilities[i] * (g[i] - inner[i / n]);
        }
        return g;
    }

    private double[] softmaxOverTargets(double[] logits) {
        double[] y = new double[n * n];
        for (int j = 0; j < n; j++) {
            double max = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < n; k++) {
                max = Math.max(max, logits[j * n + k]);
            }
            if (max == Double.NEGATIVE_INFINITY) {
                continue;
            }
            double sum = 0;
            for (int k = 0; k < n; k++) {
                y[j * n + k] = Math.exp(logits[j * n + k] - max);
                sum += y[j * n + k];
            }
            for (int k = 0; k < n; k++) {
                y[j * n + k] /= sum;
            }
        }
        return y;
    }

    private void divide(double[] x, double[] sums, boolean columns) {
        for (int i = 0; i < x.length; i++) {
            x[i] /= sums[columns ? i % n : i / n] + eps;
        }
    }

    double[] columnSums(double[] x) {
        double[] sums = new double[n];
        for (int i = 0; i < x.length; i++) {
            sums[i % n] += x[i];
        }
        return sums;
    }

    double[] rowSums(double[] x) {
        double[] sums = new double[n];
        for (int i = 0; i < x.length; i++) {
            sums[i / n] += x[i];
        }
        return sums;
    }
}
