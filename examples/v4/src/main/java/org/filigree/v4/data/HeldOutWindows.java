package org.filigree.v4.data;

import java.util.Arrays;

/**
 * The fixed windows on which models and baselines are measured alike.
 *
 * <p>Window {@code w} holds tokens {@code w·length … w·length + length} of the held-out stream: neighbours share one
 * token, the last target of one being the first input of the next, so each token but the first is a target once. The
 * last window is filled up with {@link ByteVocabulary#PAD}. Where there are more windows than asked for, they are taken
 * at even distances over the whole stream. A predictor may look at its window only.
 */
public final class HeldOutWindows {
    private HeldOutWindows() {}

    /**
     * Cuts a stream.
     *
     * @param stream held-out files
     * @param length inputs per window
     * @param most   largest number of windows
     * @return at most that many windows
     * @throws IllegalArgumentException if length or most is below 1
     */
    public static TokenWindows of(TokenStream stream, int length, int most) {
        if (length < 1 || most < 1) {
            throw new IllegalArgumentException(
                    "held-out windows: length (%d) and most (%d) must be at least 1".formatted(length, most));
        }
        int available = (int) ((stream.length() - 2L + length) / length);
        int count = Math.min(available, most);
        int[] ids = new int[Math.multiplyExact(count, length + 1)];
        Arrays.fill(ids, ByteVocabulary.PAD);
        for (int window = 0; window < count; window++) {
            long start = (long) window * available / count * length;
            int end = (int) Math.min(start + length + 1, stream.length());
            for (int position = (int) start; position < end; position++) {
                ids[window * (length + 1) + (int) (position - start)] = stream.id(position);
            }
        }
        return new TokenWindows(count, length, ids);
    }
}
