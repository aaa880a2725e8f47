package org.filigree.v4.baseline;

import org.filigree.v4.data.ByteVocabulary;
import org.filigree.v4.data.TokenStream;
import org.filigree.v4.data.TokenWindows;

/**
 * The next byte from up to {@code order − 1} before it, interpolated over all shorter contexts after Witten and Bell:
 *
 * <pre>{@code
 * p(w | h) = (c(h w) + t(h) p(w | h')) / (c(h) + t(h))
 * p(w)     = (c(w) + t 1/257) / (c + t)
 * }</pre>
 *
 * <p>Here {@code c} counts in the training stream, {@code t(h)} is the number of different tokens seen after the
 * context {@code h}, and {@code h'} is {@code h} without its oldest token; a context never seen leaves the decision to
 * {@code h'}. Each line is a mixture of two distributions with weights {@code c(h)} and {@code t(h)}, so probabilities
 * sum to 1 whatever the counts.
 *
 * <p>Source: Witten and Bell, "The zero-frequency problem" (1991), method C; as interpolation in Chen and Goodman, "An
 * empirical study of smoothing techniques for language modeling" (1998).
 *
 * <p>Data budget: made for streams up to 32 MiB within 1 GiB. Each length of n-gram has a hash table of at most
 * 2<sup>23</sup> slots of 20 bytes, hence five million different n-grams; 32 MiB of the JDK's sources have one million
 * of length 5. An n-gram that finds its table full counts as one a token shorter, so other data lose accuracy, not
 * memory: {@link #shortened()} tells how many did.
 */
public final class ByteNgram implements ByteBaseline {
    private static final int MAX_LOG_SLOTS = 23;

    /** Bits per token in a key; seven tokens fit into a long. */
    private static final int TOKEN_BITS = 9;

    private static final int LARGEST_ORDER = 7;

    /** The least size at which every single token has room, so that shortening comes to an end. */
    private static final int LEAST_LOG_SLOTS = 9;

    private final int order;

    /** Index n holds n-grams of length n; index 0 the empty one. */
    private final NgramTable[] tables;

    private long shortened;

    private ByteNgram(int order, int maxLogSlots) {
        this.order = order;
        tables = new NgramTable[order + 1];
        for (int length = 0; length <= order; length++) tables[length] = new NgramTable(maxLogSlots);
        tables[0].findOrAdd(0);
    }

    /**
     * Counts a stream with n-grams of length 5.
     *
     * @param stream training files
     * @return the model
     */
    public static ByteNgram train(TokenStream stream) {
        return train(stream, 5);
    }

    /**
     * Counts a stream.
     *
     * @param stream training files
     * @param order  length of the longest n-grams, 1 … 7
     * @return the model
     * @throws IllegalArgumentException if the order is out of range
     */
    public static ByteNgram train(TokenStream stream, int order) {
        return train(stream, order, MAX_LOG_SLOTS);
    }

    static ByteNgram train(TokenStream stream, int order, int maxLogSlots) {
        if (order < 1 || order > LARGEST_ORDER) {
            throw new IllegalArgumentException(
                    "byte n-gram: order (%d) must lie in 1 … %d".formatted(order, LARGEST_ORDER));
        }
        assert maxLogSlots >= LEAST_LOG_SLOTS : maxLogSlots;
        var model = new ByteNgram(order, maxLogSlots);
        model.count(stream);
        for (int length = order; length >= 1; length--) model.passDown(length);
        return model;
    }

    @Override
    public String name() {
        return "byte %d-gram".formatted(order);
    }

    /**
     * How many tokens of the stream were counted with a shorter context than the order asks for, since a table was
     * full.
     *
     * @return 0 within the data budget
     */
    public long shortened() {
        return shortened;
    }

    @Override
    public double probability(TokenWindows windows, int window, int position) {
        int id = windows.id(window, position);
        int longest = Math.min(order - 1, position);
        double p = 1.0 / OUTCOMES;
        long context = 0;
        for (int length = 0; length <= longest; length++) {
            if (length > 0) context |= (long) windows.id(window, position - length) << (TOKEN_BITS * (length - 1));
            int slot = tables[length].find(context);
            if (slot == NgramTable.NONE) break;
            int types = tables[length].followerTypes(slot);
            int seen = tables[length + 1].find(context << TOKEN_BITS | id);
            int count = seen == NgramTable.NONE ? 0 : tables[length + 1].count(seen);
            int followers = tables[length].followers(slot);
            if (followers > 0) p = (count + types * p) / ((double) followers + types);
        }
        return p;
    }

    /** Counts the longest n-grams; before the first token there are separators. */
    private void count(TokenStream stream) {
        long mask = mask(order);
        long ngram = 0;
        for (int i = 0; i < order; i++) ngram = ngram << TOKEN_BITS | ByteVocabulary.SEPARATOR;
        for (int position = 0; position < stream.length(); position++) {
            ngram = (ngram << TOKEN_BITS | stream.id(position)) & mask;
            if (add(order, ngram, 1) < order) shortened++;
        }
    }

    /** Adds to the longest n-gram that has room, and says its length. Those of length 1 and 0 always have. */
    private int add(int longest, long ngram, int times) {
        for (int length = longest; ; length--) {
            int slot = tables[length].findOrAdd(ngram & mask(length));
            if (slot == NgramTable.NONE) continue;
            tables[length].add(slot, times);
            return length;
        }
    }

    /** Tells every context about what followed it, and adds the counts of one length to those of the next shorter. */
    private void passDown(int length) {
        NgramTable table = tables[length];
        for (int slot = 0; slot < table.slots(); slot++) {
            if (!table.isUsed(slot) || table.count(slot) == 0) continue;
            long ngram = table.ngram(slot);
            int context = tables[length - 1].findOrAdd(ngram >>> TOKEN_BITS);
            if (context != NgramTable.NONE) tables[length - 1].addFollower(context, table.count(slot));
            add(length - 1, ngram, table.count(slot));
        }
    }

    private static long mask(int length) {
        return (1L << (TOKEN_BITS * length)) - 1;
    }
}
