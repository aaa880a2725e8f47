package org.filigree.attention.compressed;

import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;

/** Makes what scores the entries of a layer; implement it to bring your own. */
public interface EntryScorerConfig {
    /**
     * What the surrounding layer fixes.
     *
     * @param head sizes of the layer
     * @param compression how runs of tokens become entries
     */
    record Surroundings(SharedHeadConfig head, Compression compression) {}

    /** {@return channels of the scorer's own key for each entry} */
    int keyWidth();

    /**
     * Channels of what the scorer must know of each token until its runs are complete.
     *
     * @param compression how runs of tokens become entries
     * @return width of a row, 0 if keys follow from the layer's own entries
     */
    int rowWidth(Compression compression);

    /**
     * How many numbers its parameters hold.
     *
     * @param surroundings what the layer fixes
     * @return number of elements
     */
    long parameterCount(Surroundings surroundings);

    /**
     * Builds the scorer.
     *
     * @param surroundings what the layer fixes
     * @param backend where its parameters live
     * @param random draws them
     * @return the scorer
     */
    EntryScorer init(Surroundings surroundings, Backend backend, RandomStream random);
}
