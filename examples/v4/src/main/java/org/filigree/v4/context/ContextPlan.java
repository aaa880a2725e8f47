package org.filigree.v4.context;

import java.util.List;
import org.filigree.core.tensor.Check;

/**
 * What is measured: one layer of DeepSeek-V3.2 in miniature numbers of heads, over a cache in its own byte layout.
 *
 * @param lengths lengths of the context in tokens, growing
 * @param chosen keys that a query attends to, where there are as many
 * @param heads of attention, 512 + 64 wide
 * @param indexHeads of the indexer, 128 wide
 * @param seconds how long each part is measured at each length
 * @param seed of keys, queries and choices
 */
public record ContextPlan(List<Integer> lengths, int chosen, int heads, int indexHeads, double seconds, long seed) {
    /** Below it, what runs is not compiled yet. */
    private static final double LEAST_SECONDS = 1;

    /** Checks the numbers. */
    public ContextPlan {
        lengths = List.copyOf(lengths);
        Check.positive("context: lengths", lengths.size());
        for (int i = 0; i < lengths.size(); i++) {
            Check.positive("context: length", lengths.get(i));
            if (i > 0 && lengths.get(i) <= lengths.get(i - 1)) {
                throw new IllegalArgumentException(
                        "context: lengths must grow but " + lengths.get(i) + " follows " + lengths.get(i - 1));
            }
        }
        Check.positive("context: chosen", chosen);
        Check.positive("context: heads", heads);
        Check.positive("context: index heads", indexHeads);
        if (!(seconds > 0)) {
            throw new IllegalArgumentException("context: seconds must be positive but is " + seconds);
        }
    }

    /** {@return 4096 to 1 048 576 tokens, 2048 chosen, 16 heads, 64 of the indexer} */
    public static ContextPlan standard() {
        return new ContextPlan(
                List.of(1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20),
                2048,
                16,
                64,
                3,
                42);
    }

    /** {@return whether times say anything: each part runs for a second at least} */
    public boolean measures() {
        return seconds >= LEAST_SECONDS;
    }

    /** {@return two short contexts, to see that it works} */
    public static ContextPlan quick() {
        return new ContextPlan(List.of(256, 1024), 64, 2, 4, 0.02, 42);
    }
}
