package org.filigree.attention;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Attention over indices as plain loops in double precision, for one sequence: queries [tokens, heads, width], shared keys
 * [keys, width] whose first channels are the values, indices [tokens, chosen].
 */
final class NaiveSparseAttention {
    private final int tokens;
    private final int heads;
    private final int width;
    private final int valueWidth;
    private final int chosen;
    private final double scale;

    NaiveSparseAttention(int tokens, int heads, int width, int valueWidth, int chosen, double scale) {
        this.tokens = tokens;
        this.heads = heads;
        this.width = width;
        this.valueWidth = valueWidth;
        this.chosen = chosen;
        this.scale = scale;
    }

    @SuppressWarnings("ArrayRecordComponent") // Plain loops hand back plain arrays.
    record Result(double[] output, double[] logSumExp) {}

    @SuppressWarnings("ArrayRecordComponent") // Plain loops hand back plain arrays.
    record Gradients(double[] q, double[] kv, double[] sinks) {}

    Result forward(double[] q, double[] kv, int[] indices, double @Nullable [] sinks) {
        double[] output = new double[tokens * heads * valueWidth];
        double[] logSumExp = new double[tokens * heads];
        for (int row = 0; row < tokens * heads; row++) {
            double[] logits = logits(q, kv, indices, row);
            logSumExp[row] = logSumExp(logits);
            double[] p = weights(logits, sinks, row);
            for (int i = 0; i < chosen; i++) {
                int j = indices[row / heads * chosen + i];
                for (int c = 0; c < valueWidth && j >= 0; c++) {
                    output[row * valueWidth + c] += p[i] * kv[j * width + c];
                }
            }
        }
        return new Result(output, logSumExp);
    }

    /** As in dense attention; the sink's own weight p_s has ds_s = −p_s·Σ p·dp, since it gives no value. */
    Gradients backward(double[] q, double[] kv, int[] indices, double @Nullable [] sinks, double[] upstream) {
        double[] dq = new double[q.length];
        double[] dkv = new double[kv.length];
        double[] dSinks = new double[heads];
        for (int row = 0; row < tokens * heads; row++) {
            double[] p = weights(logits(q, kv, indices, row), sinks, row);
            double[] dp = new double[chosen];
            double inner = 0;
            for (int i = 0; i < chosen; i++) {
                int j = indices[row / heads * chosen + i];
                for (int c = 0; c < valueWidth && j >= 0; c++) {
                    dp[i] += upstream[row * valueWidth + c] * kv[j * width + c];
                    dkv[j * width + c] += p[i] * upstream[row * valueWidth + c];
                }
                inner += p[i] * dp[i];
            }
            for (int i = 0; i < chosen; i++) {
                int j = indices[row / heads * chosen + i];
                double ds = p[i] * (dp[i] - inner) * scale;
                for (int c = 0; c < width && j >= 0; c++) {
                    dq[row * width + c] += ds * kv[j * width + c];
                    dkv[j * width + c] += ds * q[row * width + c];
                }
            }
            if (sinks != null) {
                dSinks[row % heads] -= p[chosen] * inner;
            }
        }
        return new Gradients(dq, dkv, dSinks);
    }

    private double[] logits(double[] q, double[] kv, int[] indices, int row) {
        double[] logits = new double[chosen];
        for (int i = 0; i < chosen; i++) {
            int j = indices[row / heads * chosen + i];
            logits[i] = j < 0 ? Double.NEGATIVE_INFINITY : 0;
            for (int c = 0; c < width && j >= 0; c++) {
                logits[i] += q[row * width + c] * kv[j * width + c] * scale;
            }
        }
        return logits;
    }

    /** The weight of each index, then the sink's. */
    private double[] weights(double[] logits, double @Nullable [] sinks, int row) {
        double[] p = Arrays.copyOf(logits, chosen + 1);
        p[chosen] = sinks == null ? Double.NEGATIVE_INFINITY : sinks[row % heads];
        double total = logSumExp(p);
        for (int i = 0; i <= chosen; i++) {
            p[i] = total == Double.NEGATIVE_INFINITY ? 0 : Math.exp(p[i] - total);
        }
        return p;
    }

    private static double logSumExp(double[] values) {
        double peak = Arrays.stream(values).max().orElse(Double.NEGATIVE_INFINITY);
        if (peak == Double.NEGATIVE_INFINITY) {
            return peak;
        }
        return peak
                + Math.log(Arrays.stream(values).map(v -> Math.exp(v - peak)).sum());
    }
}
