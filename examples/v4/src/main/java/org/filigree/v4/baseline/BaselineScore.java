package org.filigree.v4.baseline;

/**
 * How well a predictor does on held-out bytes.
 *
 * @param name  the predictor
 * @param bytes number of bytes predicted
 * @param bits  sum of −log2 of their probabilities
 */
public record BaselineScore(String name, long bytes, double bits) {
    /**
     * Bits per byte, lower being better; 8 is no knowledge at all.
     *
     * @return bits / bytes, NaN where no byte was predicted
     */
    public double bitsPerByte() {
        return bits / bytes;
    }
}
