package org.filigree.attention.compressed;

import java.util.Arrays;
import java.util.List;
import org.filigree.attention.SparseAttention;
import org.filigree.attention.TopK;
import org.filigree.attention.compressed.SharedHeadConfig.QueryNorm;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.kvcache.RowLayout;

/**
 * Sizes and choices of one {@link CompressedAttention} layer.
 *
 * @param head what all layers have in common
 * @param window tokens that a query sees one by one, itself included
 * @param rotary which frequencies a layer uses
 * @param compression how runs of tokens become entries
 * @param choice which entries a query attends to
 * @param rounding how a cache would round keys
 * @param attention attends to the chosen keys
 */
public record CompressedAttentionConfig(
        SharedHeadConfig head,
        int window,
        RotaryChoice rotary,
        Compression compression,
        EntryChoice choice,
        KeyValueRounding rounding,
        SparseAttention attention) {
    /**
     * Frequencies of the rotary embedding. They hold for all of a layer: queries, window, entries and indexer.
     *
     * @param windowOnly of layers without compression
     * @param compressed of layers with compression
     */
    public record RotaryChoice(Frequencies windowOnly, Frequencies compressed) {
        /** {@return the released models': base 10000 without compression, base 160000 with YaRN of factor 16 from 65 536 with it} */
        public static RotaryChoice deepSeekV4() {
            return new RotaryChoice(new Frequencies.Plain(10000), Frequencies.Yarn.of(160000, 65536, 16));
        }

        /**
         * The frequencies of a layer.
         *
         * @param compression of the layer
         * @return its frequencies
         */
        public Frequencies of(Compression compression) {
            return compression.ratio() == 0 ? windowOnly : compressed;
        }
    }

    /** Checks the window. */
    public CompressedAttentionConfig {
        Check.positive("compressed attention: window", window);
    }

    /**
     * Small layers in the proportions of V4: heads of 2·width/heads channels, a quarter of them rotated, queries compressed to half the
     * width, two output groups where the heads allow, a window of 128, overlapping runs of 4, and an indexer with half as many heads, 4
     * at least, that chooses 512 entries.
     *
     * @param width width of the activations
     * @param heads query heads; divides the width
     * @return the configuration
     */
    public static CompressedAttentionConfig of(int width, int heads) {
        SharedHeadConfig sizes = SharedHeadConfig.small("compressed attention", width, heads, QueryNorm.PER_HEAD);
        int powerOfTwo = Math.max(Integer.highestOneBit(sizes.head()), Integer.highestOneBit(2 * sizes.rotary() - 1));
        return new CompressedAttentionConfig(
                sizes,
                128,
                RotaryChoice.deepSeekV4(),
                new Compression.Overlapping(4),
                new EntryChoice.Scored(CompressedIndexerConfig.of(Math.max(4, heads / 2), powerOfTwo), TopK.of(512)),
                KeyValueRounding.none(),
                SparseAttention.cheaper());
    }

    /**
     * A hierarchy for texts of 512 thousand to a million tokens: every query sees the last 4096 tokens one by one, one summary of each
     * 32 768 tokens before, and what a {@link MemoryHook} brings. At a million tokens that is 4096 + 32 keys. In all other respects like
     * {@link #of}.
     *
     * @param width width of the activations
     * @param heads query heads; divides the width
     * @return the configuration
     */
    public static CompressedAttentionConfig hierarchical(int width, int heads) {
        return of(width, heads)
                .withWindow(4096)
                .withCompression(new Compression.Disjoint(32768), new EntryChoice.Every());
    }

    /** {@return a layer of ratio 4 of DeepSeek-V4 Flash; {@link #withRatio} gives the others} */
    public static CompressedAttentionConfig deepSeekV4Flash() {
        return released(new SharedHeadConfig(4096, 64, 512, 64, 1024, 8, 1024, QueryNorm.PER_HEAD, 1e-6), 512);
    }

    /** {@return a layer of ratio 4 of DeepSeek-V4 Pro; {@link #withRatio} gives the others} */
    public static CompressedAttentionConfig deepSeekV4Pro() {
        return released(new SharedHeadConfig(7168, 128, 512, 64, 1536, 16, 1024, QueryNorm.PER_HEAD, 1e-6), 1024);
    }

    private static CompressedAttentionConfig released(SharedHeadConfig head, int chosen) {
        return new CompressedAttentionConfig(
                head,
                128,
                RotaryChoice.deepSeekV4(),
                new Compression.Overlapping(4),
                new EntryChoice.Scored(CompressedIndexerConfig.of(64, 128), TopK.of(chosen)),
                KeyValueRounding.none(),
                SparseAttention.cheaper());
    }

    /**
     * The layer of another ratio by the rule of released configurations: 4 keeps overlapping runs and this configuration's choice of
     * entries, any other number makes disjoint runs whose entries are all attended to, 0 leaves the window alone.
     *
     * @param ratio one of {@code compress_ratios}
     * @return a new configuration
     */
    public CompressedAttentionConfig withRatio(int ratio) {
        Compression rule = Compression.ofRatio(ratio);
        return withCompression(rule, rule instanceof Compression.Overlapping ? choice : new EntryChoice.Every());
    }

    /**
     * The layers of a model.
     *
     * @param ratios {@code compress_ratios}, one for each layer
     * @return a configuration for each
     */
    public List<CompressedAttentionConfig> withRatios(int... ratios) {
        return Arrays.stream(ratios).mapToObj(this::withRatio).toList();
    }

    /**
     * The same with other entries.
     *
     * @param runs how runs of tokens become entries
     * @param entries which of them a query attends to
     * @return a new configuration
     */
    public CompressedAttentionConfig withCompression(Compression runs, EntryChoice entries) {
        return new CompressedAttentionConfig(head, window, rotary, runs, entries, rounding, attention);
    }

    /**
     * The same with another window.
     *
     * @param tokens that a query sees one by one, itself included
     * @return a new configuration
     */
    public CompressedAttentionConfig withWindow(int tokens) {
        return new CompressedAttentionConfig(head, tokens, rotary, compression, choice, rounding, attention);
    }

    /**
     * The same with other frequencies.
     *
     * @param frequencies of layers without and with compression
     * @return a new configuration
     */
    public CompressedAttentionConfig withRotary(RotaryChoice frequencies) {
        return new CompressedAttentionConfig(head, window, frequencies, compression, choice, rounding, attention);
    }

    /**
     * The same with other sizes.
     *
     * @param sizes what all layers have in common
     * @return a new configuration
     */
    public CompressedAttentionConfig withHead(SharedHeadConfig sizes) {
        return new CompressedAttentionConfig(sizes, window, rotary, compression, choice, rounding, attention);
    }

    /**
     * The same with simulated rounding of keys.
     *
     * @param simulated how a cache would round
     * @return a new configuration
     */
    public CompressedAttentionConfig withRounding(KeyValueRounding simulated) {
        return new CompressedAttentionConfig(head, window, rotary, compression, choice, simulated, attention);
    }

    /**
     * The same with another way to attend to chosen keys.
     *
     * @param way attends
     * @return a new configuration
     */
    public CompressedAttentionConfig withAttention(SparseAttention way) {
        return new CompressedAttentionConfig(head, window, rotary, compression, choice, rounding, way);
    }

    /** {@return what the layer leaves in a cache} */
    public CacheLayout cacheLayout() {
        RowLayout keys = RowLayout.of(CompressedAttention.WINDOW, head.head());
        if (compression.ratio() == 0) {
            return CacheLayout.of(keys, List.of(), compression, window);
        }
        RowLayout tokens = keys.with(CompressedAttention.ROWS, Compressor.rowWidth(compression, head.head()));
        RowLayout entries = RowLayout.of(CompressedAttention.ENTRIES, head.head());
        if (choice instanceof EntryChoice.Scored scored) {
            int row = scored.scorer().rowWidth(compression);
            int key = scored.scorer().keyWidth();
            tokens = row == 0 ? tokens : tokens.with(CompressedAttention.SCORER_ROWS, row);
            entries = key == 0 ? entries : entries.with(CompressedAttention.SCORER_KEYS, key);
        }
        return CacheLayout.of(tokens, entries.parts(), compression, window);
    }

    EntryScorerConfig.Surroundings surroundings() {
        return new EntryScorerConfig.Surroundings(head, compression);
    }

    /** {@return how many numbers the parameters of the layer hold} */
    public long parameterCount() {
        if (compression.ratio() == 0) {
            return head.parameterCount();
        }
        long entries = Compressor.parameterCount(compression, head.width(), head.head());
        long scorer =
                choice instanceof EntryChoice.Scored scored ? scored.scorer().parameterCount(surroundings()) : 0;
        return head.parameterCount() + entries + scorer;
    }

    /**
     * Builds the layer.
     *
     * @param backend where its parameters live
     * @param random draws them
     * @return the layer
     */
    public CompressedAttention init(Backend backend, RandomStream random) {
        return CompressedAttention.init(this, backend, random);
    }
}
