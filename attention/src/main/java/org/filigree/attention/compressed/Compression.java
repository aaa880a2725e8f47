package org.filigree.attention.compressed;

import org.filigree.attention.Visibility;
import org.filigree.core.tensor.Check;

/** How runs of tokens become one compressed key that is also a value. */
public sealed interface Compression {
    /** Not at all: the layer has its window alone. */
    record None() implements Compression {
        @Override
        public int ratio() {
            return 0;
        }
    }

    /**
     * Entry w pools tokens (w − 1)·ratio … (w + 1)·ratio − 1: every token lies in two entries, with channels of its own for each role. A
     * learned bias tells places in a run apart. CSA of DeepSeek-V4, ratio 4.
     *
     * @param ratio tokens from one entry to the next
     */
    record Overlapping(int ratio) implements Compression {
        /** Checks the ratio. */
        public Overlapping {
            Check.positive("compression: ratio", ratio);
        }
    }

    /**
     * Entry w pools tokens w·ratio … (w + 1)·ratio − 1, with a learned bias for places in a run. HCA of DeepSeek-V4, ratio 128.
     *
     * @param ratio tokens of one entry
     */
    record Disjoint(int ratio) implements Compression {
        /** Checks the ratio. */
        public Disjoint {
            Check.positive("compression: ratio", ratio);
        }
    }

    /**
     * Like {@link Disjoint} without a bias, and for ratio 1 without pooling: the entry is the token's own projection. DeepSeek-V4.1,
     * ratios 1 and 2.
     *
     * @param ratio tokens of one entry
     */
    record Unbiased(int ratio) implements Compression {
        /** Checks the ratio. */
        public Unbiased {
            Check.positive("compression: ratio", ratio);
        }
    }

    /** {@return tokens from one entry to the next, 0 without compression} */
    int ratio();

    /** {@return tokens before an entry's own run that it pools too} */
    default int lookback() {
        return this instanceof Overlapping(int ratio) ? ratio : 0;
    }

    /**
     * The rule of released V4 configurations: ratio 4 overlaps, and an indexer chooses among its entries; any other does not, and a
     * query sees all its entries; 0 means none.
     *
     * @param ratio one of {@code compress_ratios}
     * @return the compression
     */
    static Compression ofRatio(int ratio) {
        return switch (ratio) {
            case 0 -> new None();
            case 4 -> new Overlapping(4);
            default -> new Disjoint(ratio);
        };
    }

    /**
     * How many entries are complete.
     *
     * @param tokens tokens so far
     * @return ⌊tokens/ratio⌋, 0 without compression
     */
    default int entries(int tokens) {
        return ratio() == 0 ? 0 : tokens / ratio();
    }

    /**
     * Which entries queries see: those of runs that end at their position or before.
     *
     * @param start position of the first query
     * @return query t sees the entries of start + t + 1 tokens
     */
    default Visibility visibility(int start) {
        return t -> entries(start + t + 1);
    }

    /** {@return channel streams: one for each role that a token plays} */
    default int streams() {
        return this instanceof Overlapping ? 2 : 1;
    }

    /** {@return whether entries are weighted means, and so need weights} */
    default boolean gated() {
        return !(this instanceof None) && !(this instanceof Unbiased(int ratio) && ratio == 1);
    }

    /** {@return whether the weights know a token's place in its run} */
    default boolean biased() {
        return this instanceof Overlapping || this instanceof Disjoint;
    }
}
