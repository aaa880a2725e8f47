package org.filigree.attention;

import org.filigree.core.tensor.Check;

/** How queries come from activations. */
public sealed interface QueryProjection {
    /** q = Wq·x; parameter {@code q_proj.weight}. */
    record Direct() implements QueryProjection {}

    /**
     * q = Wq_b·RMS(Wq_a·x); parameters {@code q_a_proj.weight}, {@code q_a_layernorm.weight}, {@code q_b_proj.weight}.
     *
     * @param rank width between the two products
     */
    record Compressed(int rank) implements QueryProjection {
        /** Checks the rank. */
        public Compressed {
            Check.positive("query projection: rank", rank);
        }
    }

    /**
     * Width of what a scorer gets to make its own queries from.
     *
     * @param width width of the activations
     * @return the rank, or the width where nothing is compressed
     */
    default int latentWidth(int width) {
        return switch (this) {
            case Direct() -> width;
            case Compressed(int rank) -> rank;
        };
    }
}
