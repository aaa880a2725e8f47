package org.filigree.v4.baseline;

import org.filigree.v4.data.ByteVocabulary;
import org.filigree.v4.data.TokenStream;
import org.filigree.v4.data.TokenWindows;

/**
 * The next byte from the last one, with one added to every count (Laplace):
 *
 * <pre>{@code p(w | h) = (c(h w) + 1) / (c(h) + 257)}</pre>
 *
 * <p>Here {@code c} counts in the training stream, and 257 is the number of outcomes. After a token that no stream
 * holds, such as padding, all outcomes are equally likely. One table of 257 × 257 counts, whatever the size of the stream.
 */
public final class ByteBigram implements ByteBaseline {
    private final int[] pairs = new int[OUTCOMES * OUTCOMES];
    private final int[] firsts = new int[OUTCOMES];

    private ByteBigram() {}

    /**
     * Counts a stream.
     *
     * @param stream training files
     * @return the model
     */
    public static ByteBigram train(TokenStream stream) {
        var model = new ByteBigram();
        int before = ByteVocabulary.SEPARATOR;
        for (int position = 0; position < stream.length(); position++) {
            int id = stream.id(position);
            model.pairs[before * OUTCOMES + id]++;
            model.firsts[before]++;
            before = id;
        }
        return model;
    }

    @Override
    public String name() {
        return "byte bigram";
    }

    @Override
    public double probability(TokenWindows windows, int window, int position) {
        int before = windows.id(window, position - 1);
        int id = windows.id(window, position);
        if (before >= OUTCOMES) return 1.0 / OUTCOMES;
        return (pairs[before * OUTCOMES + id] + 1.0) / (firsts[before] + (double) OUTCOMES);
    }
}
