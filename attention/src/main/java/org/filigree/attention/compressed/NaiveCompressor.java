package org.filigree.attention.compressed;

/** The compressor as plain loops in double precision, for one sequence. */
final class NaiveCompressor {
    private NaiveCompressor() {}

    /**
     * Weights in row-major order; those that a compression does without are empty.
     *
     * @param values [streams · width, input]
     * @param gate [streams · width, input]
     * @param bias [ratio, streams · width]
     * @param norm [width]
     */
    @SuppressWarnings("ArrayRecordComponent") // Plain loops take plain arrays.
    record Weights(double[] values, double[] gate, double[] bias, double[] norm) {}

    /** What each token of x [tokens][input] leaves: values, then the logits of their weights with the bias of its place. */
    static double[][] rows(double[][] x, Compression compression, Weights weights) {
        int channels = compression.streams() * weights.norm.length;
        double[][] rows = new double[x.length][compression.gated() ? 2 * channels : channels];
        for (int t = 0; t < x.length; t++) {
            for (int c = 0; c < channels; c++) {
                rows[t][c] = NaiveProducts.row(weights.values, c, x[t]);
                if (compression.gated()) {
                    rows[t][channels + c] = NaiveProducts.row(weights.gate, c, x[t]);
                }
                if (compression.biased()) {
                    rows[t][channels + c] += weights.bias[t % compression.ratio() * channels + c];
                }
            }
        }
        return rows;
    }

    /** All complete entries, without position. */
    static double[][] entries(double[][] rows, Compression compression, Weights weights, double eps) {
        int ratio = compression.ratio();
        int width = weights.norm.length;
        double[][] entries = new double[compression.entries(rows.length)][width];
        for (int w = 0; w < entries.length; w++) {
            for (int c = 0; c < width; c++) {
                double above = 0;
                double below = 0;
                double peak = Double.NEGATIVE_INFINITY;
                for (int t = w * ratio - compression.lookback(); t < (w + 1) * ratio; t++) {
                    if (t < 0) {
                        continue; // Before the first run there is nothing, of weight 0.
                    }
                    int channel = compression.lookback() > 0 && t >= w * ratio ? width + c : c;
                    double value = rows[t][channel];
                    double logit = compression.gated() ? rows[t][compression.streams() * width + channel] : 0;
                    double higher = Math.max(peak, logit);
                    double fade = Math.exp(peak - higher);
                    above = above * fade + Math.exp(logit - higher) * value;
                    below = below * fade + Math.exp(logit - higher);
                    peak = higher;
                }
                entries[w][c] = above / below;
            }
            entries[w] = NaiveProducts.rmsNorm(entries[w], weights.norm, eps);
        }
        return entries;
    }
}
