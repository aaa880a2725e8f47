package org.filigree.v4.baseline;

import org.filigree.v4.data.ByteVocabulary;
import org.filigree.v4.data.TokenWindows;

/** A trained predictor of the next byte. Immutable and safe to share between threads. */
public interface ByteBaseline {
    /** Number of outcomes that probabilities are spread over: the 256 bytes and the separator between files. */
    int OUTCOMES = ByteVocabulary.BYTES + 1;

    /**
     * Name for reports.
     *
     * @return for example {@code byte bigram}
     */
    String name();

    /**
     * Probability of the token at a position, given those before it in the same window.
     *
     * @param windows  windows without fill-in-the-middle markers
     * @param window   window, 0 … count − 1
     * @param position position of the predicted token, 1 … length
     * @return a number in (0, 1); over the {@link #OUTCOMES} possible tokens they sum to 1
     */
    double probability(TokenWindows windows, int window, int position);

    /**
     * Measures this predictor on every target that is a byte.
     *
     * @param windows held-out windows
     * @return the score
     */
    default BaselineScore score(TokenWindows windows) {
        double bits = 0;
        long bytes = 0;
        for (int window = 0; window < windows.count(); window++) {
            for (int position = 1; position <= windows.length(); position++) {
                if (!ByteVocabulary.isByte(windows.id(window, position))) continue;
                bits -= Math.log(probability(windows, window, position));
                bytes++;
            }
        }
        return new BaselineScore(name(), bytes, bits / Math.log(2));
    }
}
