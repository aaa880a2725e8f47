package org.filigree.v4.data;

import static org.filigree.v4.data.ByteVocabulary.MIDDLE;
import static org.filigree.v4.data.ByteVocabulary.PREFIX;
import static org.filigree.v4.data.ByteVocabulary.SEPARATOR;
import static org.filigree.v4.data.ByteVocabulary.SUFFIX;

/**
 * Moves the middle of a text behind its end, so that a left-to-right model learns to write it knowing both sides:
 *
 * <pre>{@code PREFIX prefix SUFFIX suffix MIDDLE middle SEPARATOR}</pre>
 *
 * <p>Source: Bavarian et al., "Efficient Training of Language Models to Fill in the Middle" (2022), order
 * prefix–suffix–middle with cuts at random characters, here bytes. The separator at the end teaches where a middle
 * stops.
 */
public final class FillInTheMiddle {
    /** Shorter texts are left alone: there is nothing to learn from a middle between two or three bytes. */
    static final int SHORTEST_TEXT = 16;

    private static final int MARKERS = 4;

    private FillInTheMiddle() {}

    /**
     * Reorders the longest stretch of one file in a window. The window keeps its length: the markers push out as many
     * tokens at its end, or at the end of the stretch where nothing follows it.
     *
     * @param window token ids
     * @param random decides where the middle begins and ends
     * @return a new window of the same length; the same tokens where no stretch has 16 bytes besides the markers
     */
    static int[] reorder(int[] window, long random) {
        int start = 0;
        int end = 0;
        for (int from = 0; from < window.length; from++) {
            int to = from;
            while (to < window.length && window[to] != SEPARATOR) to++;
            if (to - from > end - start) {
                start = from;
                end = to;
            }
            from = to;
        }
        int length = Math.min(end - start, window.length - start - MARKERS);
        if (length < SHORTEST_TEXT) return window.clone();

        long draw = CounterRandom.at(random, 0, 0, 0);
        int one = (int) CounterRandom.below(length + 1, draw);
        int other = (int) CounterRandom.below(length, CounterRandom.at(random, 1, 0, 0));
        if (other >= one) other++;
        int first = start + Math.min(one, other);
        int last = start + Math.max(one, other);
        int stop = start + length;

        int[] out = new int[window.length];
        int n = append(out, 0, window, 0, start);
        out[n++] = PREFIX;
        n = append(out, n, window, start, first);
        out[n++] = SUFFIX;
        n = append(out, n, window, last, stop);
        out[n++] = MIDDLE;
        n = append(out, n, window, first, last);
        out[n++] = SEPARATOR;
        boolean ownSeparator = stop == end && end < window.length;
        int rest = ownSeparator ? end + 1 : stop;
        append(out, n, window, rest, Math.min(window.length, rest + out.length - n));
        return out;
    }

    /**
     * What to give a model so that it writes the text between two others, up to {@link ByteVocabulary#SEPARATOR}.
     *
     * @param prefix text before
     * @param suffix text after
     * @return token ids
     */
    public static int[] prompt(String prefix, String suffix) {
        int[] before = ByteVocabulary.encode(prefix);
        int[] after = ByteVocabulary.encode(suffix);
        int[] ids = new int[before.length + after.length + MARKERS - 1];
        ids[0] = PREFIX;
        int n = append(ids, 1, before, 0, before.length);
        ids[n++] = SUFFIX;
        n = append(ids, n, after, 0, after.length);
        ids[n] = MIDDLE;
        return ids;
    }

    private static int append(int[] out, int at, int[] in, int from, int to) {
        System.arraycopy(in, from, out, at, to - from);
        return at + to - from;
    }
}
