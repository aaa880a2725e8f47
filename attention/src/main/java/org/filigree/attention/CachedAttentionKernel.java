package org.filigree.attention;

import org.filigree.core.backend.FusedKernel;

/** {@link CachedAttention} that widens a few rows at a time and never all that are chosen. */
public interface CachedAttentionKernel extends FusedKernel {
    /**
     * Whether the kernel can do rows of a certain size.
     *
     * @param width of a key
     * @param valueWidth of a value
     * @return false where the composition must run
     */
    boolean supports(int width, int valueWidth);

    /**
     * Attends.
     *
     * @param input checked
     * @return output [tokens, heads, value width] and log-sum-exp [tokens, heads]
     * @throws IndexOutOfBoundsException if an index is neither −1 nor a row
     */
    Attended attend(CachedAttentionInput input);
}
