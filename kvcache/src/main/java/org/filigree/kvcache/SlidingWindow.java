package org.filigree.kvcache;

import org.filigree.core.tensor.Check;

/**
 * How much of a sequence a sliding cache keeps: the last {@code width} tokens always, and {@code slack} more. The slack is what a chunk
 * of a prompt and speculation live on. A chunk of up to slack + 1 tokens is appended at once and each of its queries still finds its
 * whole window; up to {@code slack} tokens can be taken back and the window before them is whole.
 *
 * @param width tokens that a query sees, itself among them
 * @param slack tokens kept beyond them
 */
public record SlidingWindow(int width, int slack) {
    /** Checks the sizes. */
    public SlidingWindow {
        Check.positive("sliding window: width", width);
        Check.notNegative("sliding window: slack", slack);
        Math.addExact(width, slack);
    }

    /** {@return rows that it needs} */
    public int slots() {
        return width + slack;
    }

    /** The oldest token that is still there once a sequence that had this oldest one has grown to a length. */
    int oldest(int before, int length) {
        return Math.max(before, length - slots());
    }

    /** Whether every token is there that a query behind a length sees before it. */
    boolean isWhole(int oldest, int kept) {
        return kept == 0 || kept - Math.min(width, kept) >= oldest;
    }

    void requireWhole(int oldest, int kept) {
        if (!isWhole(oldest, kept)) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "truncate: the window of " + width + " tokens before length " + kept + " begins at token "
                            + (kept - Math.min(width, kept)) + ", but the oldest one kept is " + oldest
                            + "; give the window a slack of as many tokens as are taken back at once");
        }
    }
}
