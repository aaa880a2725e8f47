package org.filigree.attention.compressed;

import org.filigree.core.tensor.Check;

/**
 * Sizes of what all attention layers of DeepSeek-V4 and V4.1 have in common: compressed queries of many heads, one key that is also
 * the value of all of them, a sink for each head, and an output projection in groups of heads.
 *
 * @param width width of the activations
 * @param heads query heads
 * @param head channels of a head
 * @param rotary last channels of a head that are rotated by position, even
 * @param queryRank width between the two products that make queries
 * @param groups groups of neighbouring heads in the output projection; divides the heads
 * @param outputRank what each group is projected to before all are joined
 * @param queryNorm what happens to the queries of a head before rotation
 * @param normEps added to mean squares
 */
public record SharedHeadConfig(
        int width,
        int heads,
        int head,
        int rotary,
        int queryRank,
        int groups,
        int outputRank,
        QueryNorm queryNorm,
        double normEps) {
    /** What happens to the queries of a head before rotation. */
    public enum QueryNorm {
        /** Divided by their root mean square, without a weight: V4. */
        PER_HEAD,
        /** Nothing: V4.1. */
        NONE
    }

    /** Checks the sizes. */
    public SharedHeadConfig {
        Check.positive("shared head: width", width);
        Check.positive("shared head: heads", heads);
        Check.positive("shared head: head", head);
        Check.between("shared head: rotary channels", rotary, 2, head);
        Check.divides("shared head: rotary channels", rotary, "two", 2);
        Check.positive("shared head: query rank", queryRank);
        Check.positive("shared head: output groups", groups);
        Check.divides("shared head: heads", heads, "output groups", groups);
        Check.positive("shared head: output rank", outputRank);
        Check.notNegative("shared head: norm eps", normEps);
    }

    /**
     * Sizes of small layers: heads of 2·width/heads channels, a quarter of them rotated, queries compressed to half the width, two output
     * groups where the heads allow.
     */
    static SharedHeadConfig small(String layer, int width, int heads, QueryNorm norm) {
        Check.positive(layer + ": heads", heads);
        Check.divides(layer + ": width", width, "heads", heads);
        int head = 2 * (width / heads);
        int half = Math.max(1, width / 2);
        return new SharedHeadConfig(
                width, heads, head, Math.max(2, head / 8 * 2), half, heads % 2 == 0 ? 2 : 1, half, norm, 1e-6);
    }

    /** {@return how many numbers the parameters hold} */
    public long parameterCount() {
        long queries = (long) heads * head;
        return (long) queryRank * (width + 1 + queries)
                + (long) head * (width + 1)
                + heads
                + (long) outputRank * queries
                + (long) groups * outputRank * width;
    }
}
