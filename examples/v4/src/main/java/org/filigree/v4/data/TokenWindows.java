package org.filigree.v4.data;

/**
 * Windows of {@code length + 1} consecutive tokens, so that each holds {@code length} inputs and, one position later,
 * {@code length} targets.
 *
 * @param count  number of windows
 * @param length inputs per window
 * @param ids    token ids [count, length + 1], row by row; shared, not to be written to
 */
@SuppressWarnings("ArrayRecordComponent") // Handed to tensors as it is.
public record TokenWindows(int count, int length, int[] ids) {
    /**
     * Checks the sizes.
     *
     * @throws IllegalArgumentException if they disagree
     */
    public TokenWindows {
        if (count < 0 || length < 1 || ids.length != (long) count * (length + 1)) {
            throw new IllegalArgumentException("token windows: count %d x (length %d + 1) needs %d ids but there are %d"
                    .formatted(count, length, (long) count * (length + 1L), ids.length));
        }
    }

    /**
     * One token.
     *
     * @param window   window, 0 … count − 1
     * @param position position, 0 … length
     * @return its id
     */
    public int id(int window, int position) {
        return ids[window * (length + 1) + position];
    }

    /**
     * The first {@code length} tokens of each window.
     *
     * @return ids [count, length]
     */
    public int[] inputs() {
        return shifted(0);
    }

    /**
     * The last {@code length} tokens of each window: target {@code t} follows input {@code t}.
     *
     * @return ids [count, length]
     */
    public int[] targets() {
        return shifted(1);
    }

    /**
     * Number of targets that are bytes. Bits per byte are measured on these alone; separators and padding do not count.
     *
     * @return the number
     */
    public long byteTargets() {
        long bytes = 0;
        for (int window = 0; window < count; window++) {
            for (int position = 1; position <= length; position++) {
                if (ByteVocabulary.isByte(id(window, position))) bytes++;
            }
        }
        return bytes;
    }

    /**
     * Some of the windows, for evaluation in batches.
     *
     * @param from first window
     * @param to   one past the last window
     * @return a copy of windows {@code from} … {@code to − 1}
     */
    public TokenWindows slice(int from, int to) {
        int[] part = new int[(to - from) * (length + 1)];
        System.arraycopy(ids, from * (length + 1), part, 0, part.length);
        return new TokenWindows(to - from, length, part);
    }

    private int[] shifted(int by) {
        int[] part = new int[count * length];
        for (int window = 0; window < count; window++) {
            System.arraycopy(ids, window * (length + 1) + by, part, window * length, length);
        }
        return part;
    }
}
