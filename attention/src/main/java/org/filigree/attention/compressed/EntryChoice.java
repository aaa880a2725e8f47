package org.filigree.attention.compressed;

import org.filigree.attention.Selector;

/** Which of the visible compressed entries a query attends to. */
public sealed interface EntryChoice {
    /** All of them. */
    record Every() implements EntryChoice {}

    /**
     * Those that a selector picks by their scores.
     *
     * @param scorer makes what scores entries
     * @param selector picks
     */
    record Scored(EntryScorerConfig scorer, Selector selector) implements EntryChoice {}
}
