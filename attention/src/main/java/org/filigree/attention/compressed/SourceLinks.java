package org.filigree.attention.compressed;

import org.filigree.attention.TopBlocks;

/**
 * Which layers a layer of {@link SourcedAttention} reads from; where the number is its own, it makes what it reads.
 *
 * @param layer its own number
 * @param entries whose compressed entries it attends to
 * @param indexKeys whose index keys it scores, if it scores at all
 * @param chosen whose choice of entries it takes
 * @param candidates what its own choice is restricted to
 */
public record SourceLinks(int layer, int entries, int indexKeys, int chosen, Candidates candidates) {
    /** What a choice of entries is restricted to. */
    public sealed interface Candidates {
        /** Nothing: all visible entries. */
        record All() implements Candidates {}

        /**
         * Nothing, but the best blocks are published for later layers.
         *
         * @param blocks choose
         */
        record Published(TopBlocks blocks) implements Candidates {}

        /**
         * The blocks that an earlier layer published.
         *
         * @param layer number of the layer
         */
        record Of(int layer) implements Candidates {}
    }

    /** {@return whether the layer makes the entries it attends to} */
    public boolean makesEntries() {
        return entries == layer;
    }

    /** {@return whether the layer chooses among entries itself} */
    public boolean chooses() {
        return chosen == layer;
    }

    /** {@return whether the layer makes index keys of its entries} */
    public boolean makesIndexKeys() {
        return indexKeys == layer;
    }
}
