package org.filigree.attention.compressed;

import org.filigree.attention.Rounding;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;

/**
 * Sizes of a {@link CompressedIndexer}.
 *
 * @param heads query heads
 * @param dim channels of a query head and of the one key, a power of two and at least the rotary channels
 * @param rounding of queries and keys after the Hadamard transform
 */
public record CompressedIndexerConfig(int heads, int dim, Rounding rounding) implements EntryScorerConfig {
    /** Checks the sizes. */
    public CompressedIndexerConfig {
        Check.positive("indexer: heads", heads);
        Check.positive("indexer: dim", dim);
        if (Integer.bitCount(dim) != 1) {
            throw new IllegalArgumentException("indexer: dim " + dim
                    + " must be a power of two for the Hadamard transform; take " + (Integer.highestOneBit(dim) * 2));
        }
    }

    /**
     * An indexer that rounds nothing.
     *
     * @param heads query heads
     * @param dim channels of a head
     * @return the configuration
     */
    public static CompressedIndexerConfig of(int heads, int dim) {
        return new CompressedIndexerConfig(heads, dim, new Rounding.None());
    }

    /**
     * The same with rounded queries and keys.
     *
     * @param simulated rounding
     * @return a new configuration
     */
    public CompressedIndexerConfig withRounding(Rounding simulated) {
        return new CompressedIndexerConfig(heads, dim, simulated);
    }

    @Override
    public int keyWidth() {
        return dim;
    }

    @Override
    public int rowWidth(Compression compression) {
        return Compressor.rowWidth(compression, dim);
    }

    @Override
    public long parameterCount(Surroundings surroundings) {
        SharedHeadConfig head = surroundings.head();
        return IndexQueries.parameterCount(heads, dim, head)
                + Compressor.parameterCount(surroundings.compression(), head.width(), dim);
    }

    @Override
    public CompressedIndexer init(Surroundings surroundings, Backend backend, RandomStream random) {
        SharedHeadConfig head = surroundings.head();
        if (head.rotary() > dim) {
            throw new IllegalArgumentException(
                    "indexer: dim " + dim + " is below the " + head.rotary() + " rotary channels of the attention");
        }
        return new CompressedIndexer(
                rounding,
                head.rotary(),
                new IndexQueries(heads, dim, head, backend, random),
                Compressor.init(
                        surroundings.compression(),
                        head.width(),
                        dim,
                        head.normEps(),
                        backend,
                        random.fork("compressor")));
    }
}
