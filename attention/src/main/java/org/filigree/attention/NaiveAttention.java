package org.filigree.attention;

/**
 * Causal attention with keys and values of every head, as plain loops in double precision. Queries [tokens, heads, width] are the last
 * of the keys [keys, heads, width]; values [keys, heads, value width].
 */
final class NaiveAttention {
    private final int tokens;
    private final int keys;
    private final int heads;
    private final int width;
    private final int valueWidth;
    private final double scale;

    NaiveAttention(int tokens, int keys, int heads, int width, int valueWidth, double scale) {
        this.tokens = tokens;
        this.keys = keys;
        this.heads = heads;
        this.width = width;
        this.valueWidth = valueWidth;
        this.scale = scale;
    }

    @SuppressWarnings("ArrayRecordComponent") // Plain loops hand back plain arrays.
    record Gradients(double[] q, double[] k, double[] v) {}

    double[] forward(double[] q, double[] k, double[] v) {
        double[] output = new double[tokens * heads * valueWidth];
        for (int t = 0; t < tokens; t++) {
            for (int h = 0; h < heads; h++) {
                double[] p = weights(q, k, t, h);
                for (int j = 0; j < p.length; j++) {
                    for (int c = 0; c < valueWidth; c++) {
                        output[(t * heads + h) * valueWidth + c] += p[j] * v[(j * heads + h) * valueWidth + c];
                    }
                }
            }
        }
        return output;
    }

    /** dp_j = dO·v_j, ds_j = p_j·(dp_j − Σ p·dp), then through the product. */
    Gradients backward(double[] q, double[] k, double[] v, double[] upstream) {
        double[] dq = new double[q.length];
        double[] dk = new double[k.length];
        double[] dv = new double[v.length];
        for (int t = 0; t < tokens; t++) {
            for (int h = 0; h < heads; h++) {
                double[] p = weights(q, k, t, h);
                double[] dp = new double[p.length];
                double inner = 0;
                for (int j = 0; j < p.length; j++) {
                    for (int c = 0; c < valueWidth; c++) {
                        double up = upstream[(t * heads + h) * valueWidth + c];
                        dp[j] += up * v[(j * heads + h) * valueWidth + c];
                        dv[(j * heads + h) * valueWidth + c] += p[j] * up;
                    }
                    inner += p[j] * dp[j];
                }
                for (int j = 0; j < p.length; j++) {
                    double ds = p[j] * (dp[j] - inner) * scale;
                    for (int c = 0; c < width; c++) {
                        dq[(t * heads + h) * width + c] += ds * k[(j * heads + h) * width + c];
                        dk[(j * heads + h) * width + c] += ds * q[(t * heads + h) * width + c];
                    }
                }
            }
        }
        return new Gradients(dq, dk, dv);
    }

    private double[] weights(double[] q, double[] k, int t, int h) {
        double[] p = new double[keys - tokens + t + 1];
        double peak = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < p.length; j++) {
            for (int c = 0; c < width; c++) {
                p[j] += q[(t * heads + h) * width + c] * k[(j * heads + h) * width + c] * scale;
            }
            peak = Math.max(peak, p[j]);
        }
        double sum = 0;
        for (int j = 0; j < p.length; j++) {
            p[j] = Math.exp(p[j] - peak);
            sum += p[j];
        }
        for (int j = 0; j < p.length; j++) {
            p[j] /= sum;
        }
        return p;
    }
}
