package org.filigree.attention.compressed;

import java.util.ArrayList;
import java.util.List;
import org.filigree.attention.SparseAttention;
import org.filigree.attention.compressed.CompressedAttentionConfig.RotaryChoice;
import org.filigree.attention.compressed.SharedHeadConfig.QueryNorm;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.kvcache.RowLayout;

/**
 * Sizes and choices of one {@link SourcedAttention} layer.
 *
 * @param head what all layers have in common
 * @param window tokens that a query sees one by one, itself included
 * @param rotary which frequencies a layer uses
 * @param compression how runs of tokens become entries
 * @param links which layers it reads from
 * @param indexer sizes of the indexer of a layer that chooses
 * @param chosen entries that a layer chooses at most
 * @param rounding how a cache would round keys
 * @param attention attends to the chosen entries
 */
public record SourcedAttentionConfig(
        SharedHeadConfig head,
        int window,
        RotaryChoice rotary,
        Compression compression,
        SourceLinks links,
        LatentIndexerConfig indexer,
        int chosen,
        KeyValueRounding rounding,
        SparseAttention attention) {
    /** Checks the numbers. */
    public SourcedAttentionConfig {
        Check.positive("sourced attention: window", window);
        Check.positive("sourced attention: chosen", chosen);
    }

    /**
     * A small layer in the proportions of V4.1 that makes all it reads itself: heads of 2·width/heads channels, a quarter of them rotated,
     * queries compressed to half the width, two output groups where the heads allow, a window of 128, runs of 2, and an indexer with half as
     * many heads, 4 at least, that chooses 512 entries.
     *
     * @param width width of the activations
     * @param heads query heads; divides the width
     * @return the configuration
     */
    public static SourcedAttentionConfig of(int width, int heads) {
        return layers(width, heads, 2).getFirst();
    }

    /**
     * The layers of a small model, each with the sizes of {@link #of}; the first of neighbouring layers of one ratio makes what the others
     * read ({@link SourcePattern#ofRatios}).
     *
     * @param width width of the activations
     * @param heads query heads; divides the width
     * @param ratios of compression, one for each layer, 0 for a layer that has its window alone; V4.1 begins with 0 and has 2, then 1
     * @return a configuration for each, first layer first
     */
    public static List<SourcedAttentionConfig> layers(int width, int heads, int... ratios) {
        SharedHeadConfig sizes = SharedHeadConfig.small("sourced attention", width, heads, QueryNorm.NONE);
        return layers(
                SourcePattern.ofRatios(ratios),
                sizes,
                128,
                RotaryChoice.deepSeekV4(),
                LatentIndexerConfig.of(Math.max(4, heads / 2), sizes.head()),
                512);
    }

    /** {@return the layers of DeepSeek-V4.1 Flash, first layer first} */
    public static List<SourcedAttentionConfig> deepSeekV41Flash() {
        return layers(
                SourcePattern.deepSeekV41Flash(),
                new SharedHeadConfig(5120, 64, 512, 64, 1280, 8, 1024, QueryNorm.NONE, 1e-20),
                128,
                RotaryChoice.deepSeekV4(),
                LatentIndexerConfig.of(32, 128),
                512);
    }

    /**
     * The layers of a model.
     *
     * @param pattern which layers read from which
     * @param head what all layers have in common
     * @param window tokens that a query sees one by one
     * @param rotary which frequencies a layer uses
     * @param indexer sizes of every indexer
     * @param chosen entries that a layer chooses at most
     * @return a configuration for each, first layer first
     */
    public static List<SourcedAttentionConfig> layers(
            SourcePattern pattern,
            SharedHeadConfig head,
            int window,
            RotaryChoice rotary,
            LatentIndexerConfig indexer,
            int chosen) {
        var layers = new ArrayList<SourcedAttentionConfig>();
        for (int layer = 0; layer < pattern.ratios().size(); layer++) {
            int ratio = pattern.ratios().get(layer);
            layers.add(new SourcedAttentionConfig(
                    head,
                    window,
                    rotary,
                    ratio == 0 ? new Compression.None() : new Compression.Unbiased(ratio),
                    pattern.links(layer),
                    indexer,
                    chosen,
                    KeyValueRounding.none(),
                    SparseAttention.cheaper()));
        }
        return layers;
    }

    /**
     * The same with simulated rounding of keys.
     *
     * @param simulated how a cache would round
     * @return a new configuration
     */
    public SourcedAttentionConfig withRounding(KeyValueRounding simulated) {
        return new SourcedAttentionConfig(
                head, window, rotary, compression, links, indexer, chosen, simulated, attention);
    }

    /**
     * The same with another indexer.
     *
     * @param sizes of the indexer, and its rounding
     * @return a new configuration
     */
    public SourcedAttentionConfig withIndexer(LatentIndexerConfig sizes) {
        return new SourcedAttentionConfig(head, window, rotary, compression, links, sizes, chosen, rounding, attention);
    }

    /**
     * The same with another way to attend to chosen entries.
     *
     * @param way attends
     * @return a new configuration
     */
    public SourcedAttentionConfig withAttention(SparseAttention way) {
        return new SourcedAttentionConfig(head, window, rotary, compression, links, indexer, chosen, rounding, way);
    }

    /**
     * The same with more or fewer entries for each query.
     *
     * @param entries that a layer chooses at most
     * @return a new configuration
     */
    public SourcedAttentionConfig withChosen(int entries) {
        return new SourcedAttentionConfig(
                head, window, rotary, compression, links, indexer, entries, rounding, attention);
    }

    boolean makesEntries() {
        return compression.ratio() > 0 && links.makesEntries();
    }

    boolean chooses() {
        return compression.ratio() > 0 && links.chooses();
    }

    boolean makesIndexKeys() {
        return makesEntries() && links.makesIndexKeys();
    }

    /** {@return what the layer leaves in a cache: entries where it makes them, its window always} */
    public CacheLayout cacheLayout() {
        RowLayout tokens = RowLayout.of(CompressedAttention.WINDOW, head.head());
        if (!makesEntries()) {
            return CacheLayout.of(tokens, List.of(), compression, window);
        }
        RowLayout entries = RowLayout.of(CompressedAttention.ENTRIES, head.head());
        return CacheLayout.of(
                compression.gated()
                        ? tokens.with(CompressedAttention.ROWS, Compressor.rowWidth(compression, head.head()))
                        : tokens,
                (makesIndexKeys() ? entries.with(CompressedAttention.SCORER_KEYS, indexer.dim()) : entries).parts(),
                compression,
                window);
    }

    /** {@return how many numbers the parameters of the layer hold} */
    public long parameterCount() {
        long entries = makesEntries() ? Compressor.parameterCount(compression, head.width(), head.head()) : 0;
        long index = !chooses()
                ? 0
                : makesIndexKeys()
                        ? indexer.parameterCount(new EntryScorerConfig.Surroundings(head, compression))
                        : indexer.parameterCountOfQueries(head);
        return head.parameterCount() + entries + index;
    }

    /**
     * Builds the layer.
     *
     * @param backend where its parameters live
     * @param random draws them
     * @return the layer
     */
    public SourcedAttention init(Backend backend, RandomStream random) {
        return SourcedAttention.init(this, backend, random);
    }
}
