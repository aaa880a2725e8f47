package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;

/**
 * Sizes of a {@link LightningIndexer}.
 *
 * @param heads query heads
 * @param dim channels of a query head and of the one key, a power of two and at least the rotary width
 * @param normEps added to the variance in the layer norm of keys
 * @param rounding of queries and keys after the Hadamard transform
 */
public record IndexerConfig(int heads, int dim, double normEps, Rounding rounding) implements ScorerConfig {
    /** Checks the sizes. */
    public IndexerConfig {
        Check.positive("indexer: heads", heads);
        Check.positive("indexer: dim", dim);
        Check.notNegative("indexer: norm eps", normEps);
        if (Integer.bitCount(dim) != 1) {
            throw new IllegalArgumentException("indexer: dim " + dim
                    + " must be a power of two for the Hadamard transform; take " + (Integer.highestOneBit(dim) * 2));
        }
    }

    /**
     * An indexer with the released models' norm, eps 1e-6, that rounds nothing.
     *
     * @param heads query heads
     * @param dim channels of a head
     * @return the configuration
     */
    public static IndexerConfig of(int heads, int dim) {
        return new IndexerConfig(heads, dim, 1e-6, new Rounding.None());
    }

    /**
     * The same with rounded queries and keys, as its cache and its products would round them: {@code Rounding.Fp8.of(dim)} in
     * DeepSeek-V3.2.
     *
     * @param simulated rounding
     * @return a new configuration
     */
    public IndexerConfig withRounding(Rounding simulated) {
        return new IndexerConfig(heads, dim, normEps, simulated);
    }

    @Override
    public int keyWidth() {
        return dim;
    }

    @Override
    public long parameterCount(Widths widths) {
        return (long) heads * dim * widths.queryLatent() + (long) (dim + heads) * widths.width() + 2L * dim;
    }

    @Override
    public LightningIndexer init(Widths widths, Backend backend, RandomStream random) {
        if (widths.rotary() > dim) {
            throw new IllegalArgumentException(
                    "indexer: dim " + dim + " is below the rotary width " + widths.rotary() + " of the attention");
        }
        return new LightningIndexer(
                this,
                widths.rotary(),
                LinearConfig.of(widths.queryLatent(), heads * dim).init(backend, random.fork("wq_b")),
                LinearConfig.of(widths.width(), dim).init(backend, random.fork("wk")),
                Parameter.learned(backend.tensors().full(Shape.of(dim), 1)),
                Parameter.learned(backend.tensors().zeros(Shape.of(dim))),
                LinearConfig.of(widths.width(), heads).init(backend, random.fork("weights_proj")));
    }
}
