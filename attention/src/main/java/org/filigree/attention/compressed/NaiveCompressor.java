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

    /** All complete entries of x [tokens][input], without position. */
    static double[][] entries(double[][] x, Compression compression, Weights weights, double eps) {
        int ratio = compression.ratio();
        int width = weights.norm.length;
        double[][] entries = new double[compression.entries(x.length)][width];
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
                    double value = NaiveProducts.row(weights.values, channel, x[t]);
                    double logit = 0;
                    if (compression.gated()) {
                        logit = NaiveProducts.row(weights.gate, channel, x[t]);
                    }
                    if (compression.biased()) {
                        logit += weights.bias[t % ratio * compression.streams() * width + channel];
                    }
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
