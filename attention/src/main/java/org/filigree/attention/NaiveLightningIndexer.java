package org.filigree.attention;

/** The lightning indexer after its projections, as plain loops in double precision: rotation, Hadamard transform, scores. */
final class NaiveLightningIndexer {
    private NaiveLightningIndexer() {}

    /** Rotates pairs (i, i + rotary/2) of the first channels of a head by position·frequency_i, then transforms the head. */
    static double[] turned(double[] head, int position, float[] frequencies) {
        int half = frequencies.length;
        double[] rotated = head.clone();
        for (int i = 0; i < half; i++) {
            float angle = position * frequencies[i];
            rotated[i] = head[i] * Math.cos(angle) - head[i + half] * Math.sin(angle);
            rotated[i + half] = head[i] * Math.sin(angle) + head[i + half] * Math.cos(angle);
        }
        double[] transformed = new double[head.length];
        for (int i = 0; i < head.length; i++) {
            for (int j = 0; j < head.length; j++) {
                int sign = (Integer.bitCount(i & j) & 1) == 0 ? 1 : -1;
                transformed[i] += sign * rotated[j] / Math.sqrt(head.length);
            }
        }
        return transformed;
    }

    /** (x − mean)/√(variance + eps)·weight + bias. */
    static double[] layerNorm(double[] x, double[] weight, double[] bias, double eps) {
        double mean = 0;
        for (double value : x) {
            mean += value / x.length;
        }
        double variance = 0;
        for (double value : x) {
            variance += (value - mean) * (value - mean) / x.length;
        }
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = (x[i] - mean) / Math.sqrt(variance + eps) * weight[i] + bias[i];
        }
        return y;
    }

    /** Σ_h max(0, q_h·k)·w_h·heads^−½·dim^−½ for one query and one key. */
    static double score(double[][] q, double[] k, double[] w) {
        double score = 0;
        for (int h = 0; h < q.length; h++) {
            double product = 0;
            for (int i = 0; i < k.length; i++) {
                product += q[h][i] * k[i];
            }
            score += Math.max(0, product) * w[h] / Math.sqrt((double) q.length * k.length);
        }
        return score;
    }
}
