package org.filigree.attention;

/**
 * How queries come by their keys: the three replaceable nouns of sparse attention.
 *
 * @param scorer makes what scores keys
 * @param selector chooses keys by their scores
 * @param attention attends to the chosen keys in the {@linkplain LatentForm#ABSORBED absorbed} form; the expanded form masks
 */
public record SelectionConfig(ScorerConfig scorer, Selector selector, SparseAttention attention) {
    /** {@return every query attends to all it sees} */
    public static SelectionConfig dense() {
        return new SelectionConfig(new NoScorer(), new All(), SparseAttention.cheaper());
    }
}
