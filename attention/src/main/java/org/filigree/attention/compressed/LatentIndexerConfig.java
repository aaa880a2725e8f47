package org.filigree.attention.compressed;

import org.filigree.attention.Rounding;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;

/**
 * Sizes of a {@link LatentIndexer}.
 *
 * @param heads query heads
 * @param dim channels of a query head and of the one key, at least the rotary channels
 * @param rounding of rotated queries and keys
 */
public record LatentIndexerConfig(int heads, int dim, Rounding rounding) implements EntryScorerConfig {
    /** Checks the sizes. */
    public LatentIndexerConfig {
        Check.positive("indexer: heads", heads);
        Check.positive("indexer: dim", dim);
    }

    /**
     * An indexer that rounds nothing.
     *
     * @param heads query heads
     * @param dim channels of a head
     * @return the configuration
     */
    public static LatentIndexerConfig of(int heads, int dim) {
        return new LatentIndexerConfig(heads, dim, new Rounding.None());
    }

    /**
     * The same with rounded queries and keys.
     *
     * @param simulated rounding
     * @return a new configuration
     */
    public LatentIndexerConfig withRounding(Rounding simulated) {
        return new LatentIndexerConfig(heads, dim, simulated);
    }

    @Override
    public int keyWidth() {
        return dim;
    }

    @Override
    public int rowWidth(Compression compression) {
        return 0;
    }

    @Override
    public long parameterCount(Surroundings surroundings) {
        return parameterCountOfQueries(surroundings.head())
                + (long) dim * surroundings.head().head()
                + dim;
    }

    long parameterCountOfQueries(SharedHeadConfig head) {
        return IndexQueries.parameterCount(heads, dim, head);
    }

    @Override
    public LatentIndexer init(Surroundings surroundings, Backend backend, RandomStream random) {
        SharedHeadConfig head = surroundings.head();
        LatentIndexer asking = initAsking(head, backend, random);
        return asking.withKeys(
                LinearConfig.of(head.head(), dim).init(backend, random.fork("wk")),
                RmsNorm.init(backend, dim, head.normEps()));
    }

    /** An indexer without keys of its own. */
    LatentIndexer initAsking(SharedHeadConfig head, Backend backend, RandomStream random) {
        if (head.rotary() > dim) {
            throw new IllegalArgumentException(
                    "indexer: dim " + dim + " is below the " + head.rotary() + " rotary channels of the attention");
        }
        return new LatentIndexer(
                rounding, head.rotary(), new IndexQueries(heads, dim, head, backend, random), null, null);
    }
}
