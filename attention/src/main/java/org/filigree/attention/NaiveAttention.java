package org.filigree.attention;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Scaled dot-product attention of one sequence as plain loops in double precision: queries [tokens, heads, width], keys [keys, key
 * heads, width], values [keys, key heads, value width].
 */
final class NaiveAttention {
    private final int tokens;
    private final int keys;
    private final int heads;
    private final int keyHeads;
    private final int width;
    private final int valueWidth;
    private final KeySpan span;
    private final double scale;

    NaiveAttention(
            int tokens, int keys, int heads, int keyHeads, int width, int valueWidth, KeySpan span, double scale) {
        this.tokens = tokens;
        this.keys = keys;
        this.heads = heads;
        this.keyHeads = keyHeads;
        this.width = width;
        this.valueWidth = valueWidth;
        this.span = span;
        this.scale = scale;
    }

    @SuppressWarnings("ArrayRecordComponent") // Plain loops hand back plain arrays.
    record Result(double[] output, double[] logSumExp) {}

    @SuppressWarnings("ArrayRecordComponent") // Plain loops hand back plain arrays.
    record Gradients(double[] q, double[] k, double[] v, double[] sinks) {}

    Result forward(double[] q, double[] k, double[] v, double @Nullable [] sinks) {
        double[] output = new double[tokens * heads * valueWidth];
        double[] logSumExp = new double[tokens * heads];
        for (int t = 0; t < tokens; t++) {
            for (int h = 0; h < heads; h++) {
                double[] logits = logits(q, k, t, h);
                double[] p = weights(logits, sinks, h);
                logSumExp[t * heads + h] = logSumExp(logits);
                for (int j = 0; j < keys; j++) {
                    for (int c = 0; c < valueWidth; c++) {
                        output[(t * heads + h) * valueWidth + c] += p[j] * v[key(j, h) * valueWidth + c];
                    }
                }
            }
        }
        return new Result(output, logSumExp);
    }

    /**
     * dp_j = dO·v_j, ds_j = p_j·(dp_j − Σ p·dp) + dL·softmax_j without the sink, then through the product. The sink's own weight p_s
     * has ds_s = −p_s·Σ p·dp, since it gives no value.
     */
    Gradients backward(
            double[] q, double[] k, double[] v, double @Nullable [] sinks, double[] dOutput, double[] dLogSumExp) {
        double[] dq = new double[q.length];
        double[] dk = new double[k.length];
        double[] dv = new double[v.length];
        double[] dSinks = new double[heads];
        for (int t = 0; t < tokens; t++) {
            for (int h = 0; h < heads; h++) {
                int row = t * heads + h;
                double[] logits = logits(q, k, t, h);
                double[] p = weights(logits, sinks, h);
                double[] plain = weights(logits, null, h);
                double[] dp = new double[keys];
                double inner = 0;
                for (int j = 0; j < keys; j++) {
                    for (int c = 0; c < valueWidth; c++) {
                        double up = dOutput[row * valueWidth + c];
                        dp[j] += up * v[key(j, h) * valueWidth + c];
                        dv[key(j, h) * valueWidth + c] += p[j] * up;
                    }
                    inner += p[j] * dp[j];
                }
                for (int j = 0; j < keys; j++) {
                    double ds = (p[j] * (dp[j] - inner) + plain[j] * dLogSumExp[row]) * scale;
                    for (int c = 0; c < width; c++) {
                        dq[row * width + c] += ds * k[key(j, h) * width + c];
                        dk[key(j, h) * width + c] += ds * q[row * width + c];
                    }
                }
                dSinks[h] -= p[keys] * inner;
            }
        }
        return new Gradients(dq, dk, dv, dSinks);
    }

    private int key(int j, int h) {
        return j * keyHeads + h / (heads / keyHeads);
    }

    private double[] logits(double[] q, double[] k, int t, int h) {
        double[] logits = new double[keys];
        Arrays.fill(logits, Double.NEGATIVE_INFINITY);
        for (int j = span.from(t); j < span.to(t); j++) {
            logits[j] = 0;
            for (int c = 0; c < width; c++) {
                logits[j] += q[(t * heads + h) * width + c] * k[key(j, h) * width + c] * scale;
            }
        }
        return logits;
    }

    /** The weight of each key, then the sink's. */
    private double[] weights(double[] logits, double @Nullable [] sinks, int h) {
        double[] p = Arrays.copyOf(logits, keys + 1);
        p[keys] = sinks == null ? Double.NEGATIVE_INFINITY : sinks[h];
        double total = logSumExp(p);
        for (int j = 0; j <= keys; j++) {
            p[j] = total == Double.NEGATIVE_INFINITY ? 0 : Math.exp(p[j] - total);
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
