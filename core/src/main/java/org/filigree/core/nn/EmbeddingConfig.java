package org.filigree.core.nn;

import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;

/**
 * Sizes of an embedding.
 *
 * @param vocabulary number of ids
 * @param width width of a vector
 * @param initializer how the table starts
 */
public record EmbeddingConfig(int vocabulary, int width, Initializer initializer) {
    /** Checks the sizes. */
    public EmbeddingConfig {
        Check.positive("embedding: vocabulary", vocabulary);
        Check.positive("embedding: width", width);
    }

    /**
     * A table of normal deviates of standard deviation 0.02.
     *
     * @param vocabulary number of ids
     * @param width width of a vector
     * @return the configuration
     */
    public static EmbeddingConfig of(int vocabulary, int width) {
        return new EmbeddingConfig(vocabulary, width, Initializer.normal(0.02));
    }

    /**
     * The same table with another start.
     *
     * @param start how the table starts
     * @return a new configuration
     */
    public EmbeddingConfig withInitializer(Initializer start) {
        return new EmbeddingConfig(vocabulary, width, start);
    }

    /**
     * Builds the embedding.
     *
     * @param backend where its table lives
     * @param random draws the table
     * @return the embedding
     */
    public Embedding init(Backend backend, RandomStream random) {
        return new Embedding(
                Parameter.learned(initializer.draw(backend, Shape.of(vocabulary, width), random.fork("weight"))));
    }
}
