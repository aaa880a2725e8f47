package org.filigree.v4.data;

/**
 * What a training batch looks like.
 *
 * @param batch                windows per batch
 * @param length               inputs per window
 * @param fillInTheMiddleShare share of windows turned into fill-in-the-middle form, in [0, 1]
 * @param seed                 seed of all draws
 */
public record BatchConfig(int batch, int length, double fillInTheMiddleShare, long seed) {
    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if batch or length is below 1, or the share outside [0, 1]
     */
    public BatchConfig {
        if (batch < 1 || length < 1) {
            throw new IllegalArgumentException(
                    "batch config: batch (%d) and length (%d) must be at least 1".formatted(batch, length));
        }
        if (!(fillInTheMiddleShare >= 0 && fillInTheMiddleShare <= 1)) {
            throw new IllegalArgumentException(
                    "batch config: fillInTheMiddleShare (%s) must lie in 0 … 1".formatted(fillInTheMiddleShare));
        }
    }

    /**
     * Batches without fill-in-the-middle.
     *
     * @param batch  windows per batch
     * @param length inputs per window
     * @param seed   seed of all draws
     * @return the configuration
     */
    public static BatchConfig of(int batch, int length, long seed) {
        return new BatchConfig(batch, length, 0, seed);
    }

    /**
     * The same batches with another share of fill-in-the-middle windows.
     *
     * @param share share in [0, 1]; one half leaves left-to-right loss almost untouched (Bavarian et al., 2022)
     * @return a new configuration
     */
    public BatchConfig withFillInTheMiddleShare(double share) {
        return new BatchConfig(batch, length, share, seed);
    }
}
