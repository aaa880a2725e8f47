package org.filigree.mhc;

import java.util.Arrays;
import org.filigree.core.tensor.Check;

/**
 * The paper's form on one matrix as plain loops in double, on logarithms: M⁰ = exp(A), M ← rows(columns(M)), without ε. Logits are in
 * the orientation of H_res, entry r·n + s from source s to target r; the result is its transpose, comb. It shares nothing with {@link
 * WideLogits}, whose oracle it is.
 */
final class NaivePaperSinkhorn implements NaiveMix {
    private final int n;
    private final int iterations;

    NaivePaperSinkhorn(int n, int iterations) {
        Check.positive("sinkhorn: n", n);
        Check.positive("sinkhorn: iterations", iterations);
        this.n = n;
        this.iterations = iterations;
    }

    @Override
    public double[] forward(double[] logits) {
        double[][] steps = steps(logits);
        return transposed(exponentials(steps[steps.length - 1]));
    }

    /** Unrolled: a step L′ = L − log Σ exp L has the gradient g ← g − exp(L′)·Σ g. */
    @Override
    public double[] backward(double[] logits, double[] upstream) {
        double[][] steps = steps(logits);
        double[] g = transposed(upstream);
        double[] last = exponentials(steps[steps.length - 1]);
        for (int i = 0; i < g.length; i++) {
            g[i] *= last[i];
        }
        for (int step = steps.length - 1; step >= 0; step--) {
            double[] sums = new double[n];
            for (int i = 0; i < g.length; i++) {
                sums[line(step, i)] += g[i];
            }
            double[] result = exponentials(steps[step]);
            for (int i = 0; i < g.length; i++) {
                g[i] -= result[i] * sums[line(step, i)];
            }
        }
        return g;
    }

    private double[][] steps(double[] logits) {
        double[][] steps = new double[2 * iterations][];
        double[] x = logits;
        for (int step = 0; step < steps.length; step++) {
            double[] max = new double[n];
            Arrays.fill(max, Double.NEGATIVE_INFINITY);
            for (int i = 0; i < x.length; i++) {
                max[line(step, i)] = Math.max(max[line(step, i)], x[i]);
            }
            double[] sums = new double[n];
            for (int i = 0; i < x.length; i++) {
                sums[line(step, i)] += Math.exp(x[i] - max[line(step, i)]);
            }
            double[] next = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                next[i] = x[i] - max[line(step, i)] - Math.log(sums[line(step, i)]);
            }
            steps[step] = next;
            x = next;
        }
        return steps;
    }

    /** Columns first, so rows last. */
    private int line(int step, int entry) {
        return step % 2 == 0 ? entry % n : entry / n;
    }

    private static double[] exponentials(double[] x) {
        return Arrays.stream(x).map(Math::exp).toArray();
    }

    private double[] transposed(double[] x) {
        double[] t = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            t[i % n * n + i / n] = x[i];
        }
        return t;
    }
}
