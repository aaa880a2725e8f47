package org.filigree.mhc;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.filigree.core.tensor.Check;

/**
 * What a chain of sub-layers keeps of its streams for the backward pass. Streams are n times as wide as what sub-layers read and
 * write, yet follow from the first state and the sub-layers' outputs y by cheap operations. So of every block of B sub-layers the
 * first state and all y are kept, and weights and states are computed again when the backward pass comes to the block; sub-layers
 * are never run again. Results and gradients are those of keeping everything, bit for bit.
 *
 * <p>Per token L sub-layers of width C then need {@code n·C·⌈L/B⌉} numbers for first states and, while a block is worked on,
 * {@code (n+2)·C·B} for its states, inputs and outputs; smallest near {@code B = √(n·L/(n+2))}
 * (arXiv 2512.24880, section 4.3.2).
 */
public sealed interface Recomputation {
    /** {@return keep everything} */
    static Recomputation none() {
        return new None();
    }

    /**
     * Blocks of given size.
     *
     * @param subLayers B, sub-layers a block; the last one may be shorter
     * @return the choice
     */
    static Recomputation blocks(int subLayers) {
        return new Blocks(subLayers);
    }

    /** {@return blocks of the size that needs the least memory} */
    static Recomputation automatic() {
        return new Automatic();
    }

    /** Keeps everything. */
    record None() implements Recomputation {}

    /**
     * Blocks of given size.
     *
     * @param subLayers B, sub-layers a block; the last one may be shorter
     */
    record Blocks(int subLayers) implements Recomputation {
        /** Checks the number. */
        public Blocks {
            Check.positive("recomputation: subLayers", subLayers);
        }
    }

    /** Blocks of {@link #bestBlock}. */
    record Automatic() implements Recomputation {}

    /**
     * What a chain needs for its streams, in widths a token: {@code n·⌈L/B⌉ + (n+2)·B}.
     *
     * @param streams n
     * @param subLayers L, in the whole chain
     * @param block B, sub-layers a block
     * @return numbers a token, over the width
     */
    static long cost(int streams, int subLayers, int block) {
        Check.positive("recomputation: streams", streams);
        Check.positive("recomputation: subLayers", subLayers);
        Check.positive("recomputation: block", block);
        return (long) streams * Math.ceilDiv(subLayers, block) + (streams + 2L) * block;
    }

    /**
     * The block of least {@link #cost}, the shortest of equals.
     *
     * @param streams n
     * @param subLayers L, in the whole chain
     * @return B
     */
    static int bestBlock(int streams, int subLayers) {
        Check.positive("recomputation: subLayers", subLayers);
        return IntStream.rangeClosed(1, subLayers)
                .boxed()
                .min(Comparator.comparingLong(block -> cost(streams, subLayers, block)))
                .orElseThrow();
    }
}
