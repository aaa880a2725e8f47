package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.TiledRows;

/**
 * Sizes and choices of {@link LatentAttention}.
 *
 * @param width width of the activations
 * @param heads query heads
 * @param head widths of one head
 * @param query how queries are projected
 * @param latent width that keys and values are compressed to
 * @param frequencies of the rotary embedding
 * @param logitScale factor between product and logit
 * @param normEps added to the mean square in the norms of compressed queries and latents
 * @param form in which order products are taken
 * @param selection which keys a query attends to
 * @param sinks whether heads have sinks
 */
public record LatentAttentionConfig(
        int width,
        int heads,
        HeadWidths head,
        QueryProjection query,
        int latent,
        Frequencies frequencies,
        LogitScale logitScale,
        double normEps,
        LatentForm form,
        SelectionConfig selection,
        Sinks sinks) {
    /** Numbers of a latent that share a scale. */
    private static final int FP8_TILE = 128;

    /** Checks the sizes. */
    public LatentAttentionConfig {
        Check.positive("latent attention: width", width);
        Check.positive("latent attention: heads", heads);
        Check.positive("latent attention: latent width", latent);
        Check.notNegative("latent attention: norm eps", normEps);
    }

    /**
     * Dense attention in the proportions of DeepSeek-V3: with d = width/heads, heads of d content, d/2 rotary and d value channels, and
     * a latent of 4·d; queries compressed to 12·d; neither above half the width. Plain rotary embedding of base 10000.
     *
     * @param width width of the activations
     * @param heads query heads; divides the width
     * @return the configuration
     */
    public static LatentAttentionConfig of(int width, int heads) {
        Check.positive("latent attention: heads", heads);
        Check.divides("latent attention: width", width, "heads", heads);
        int d = width / heads;
        int half = Math.max(1, width / 2);
        return new LatentAttentionConfig(
                width,
                heads,
                new HeadWidths(d, Math.max(2, d / 4 * 2), d),
                new QueryProjection.Compressed(Math.min(12 * d, half)),
                Math.min(4 * d, half),
                new Frequencies.Plain(10000),
                new LogitScale.InverseRoot(),
                1e-6,
                LatentForm.CHEAPER,
                SelectionConfig.dense(),
                Sinks.NONE);
    }

    /** {@return the attention of DeepSeek-V3 and R1} */
    public static LatentAttentionConfig deepSeekV3() {
        return new LatentAttentionConfig(
                7168,
                128,
                new HeadWidths(128, 64, 128),
                new QueryProjection.Compressed(1536),
                512,
                Frequencies.Yarn.of(10000, 4096, 40),
                new LogitScale.YarnSquared(1),
                1e-6,
                LatentForm.CHEAPER,
                SelectionConfig.dense(),
                Sinks.NONE);
    }

    /** {@return the attention of DeepSeek-V3.2: V3's with an indexer of 64 heads × 128 that chooses 2048 keys} */
    public static LatentAttentionConfig deepSeekV32() {
        return deepSeekV3().withScorer(IndexerConfig.of(64, 128)).withSelector(TopK.of(2048));
    }

    /**
     * The same with another choice of keys. A selector that needs scores gets a {@link LightningIndexer} where the configuration has no
     * scorer yet: half as many heads as the attention but 4 at least, as wide as the head's content or rotary channels, rounded up to a
     * power of two.
     *
     * @param selector chooses keys
     * @return a new configuration
     */
    public LatentAttentionConfig withSelector(Selector selector) {
        ScorerConfig scorer = selection.scorer();
        if (selector.scored() && scorer instanceof NoScorer) {
            int channels = Math.max(head.content(), head.rotary());
            int powerOfTwo = Integer.highestOneBit(channels);
            scorer = IndexerConfig.of(
                    Math.max(4, heads / 2), powerOfTwo == channels ? channels : Math.multiplyExact(powerOfTwo, 2));
        }
        return withSelection(new SelectionConfig(scorer, selector, selection.attention()));
    }

    /**
     * The same with another scorer.
     *
     * @param scorer makes what scores keys
     * @return a new configuration
     */
    public LatentAttentionConfig withScorer(ScorerConfig scorer) {
        return withSelection(new SelectionConfig(scorer, selection.selector(), selection.attention()));
    }

    /**
     * The same with another way to attend to chosen keys.
     *
     * @param attention attends
     * @return a new configuration
     */
    public LatentAttentionConfig withAttention(SparseAttention attention) {
        return withSelection(new SelectionConfig(selection.scorer(), selection.selector(), attention));
    }

    /**
     * The same with scorer, selector and attention replaced.
     *
     * @param choice which keys a query attends to
     * @return a new configuration
     */
    public LatentAttentionConfig withSelection(SelectionConfig choice) {
        return new LatentAttentionConfig(
                width, heads, head, query, latent, frequencies, logitScale, normEps, form, choice, sinks);
    }

    /**
     * The same with other heads.
     *
     * @param widths widths of one head
     * @return a new configuration
     */
    public LatentAttentionConfig withHead(HeadWidths widths) {
        return new LatentAttentionConfig(
                width, heads, widths, query, latent, frequencies, logitScale, normEps, form, selection, sinks);
    }

    /**
     * The same with another query projection.
     *
     * @param projection how queries are projected
     * @return a new configuration
     */
    public LatentAttentionConfig withQuery(QueryProjection projection) {
        return new LatentAttentionConfig(
                width, heads, head, projection, latent, frequencies, logitScale, normEps, form, selection, sinks);
    }

    /**
     * The same with a latent of another width.
     *
     * @param channels width that keys and values are compressed to
     * @return a new configuration
     */
    public LatentAttentionConfig withLatent(int channels) {
        return new LatentAttentionConfig(
                width, heads, head, query, channels, frequencies, logitScale, normEps, form, selection, sinks);
    }

    /**
     * The same with another rotary embedding.
     *
     * @param angles frequencies
     * @param scale factor between product and logit that belongs to them
     * @return a new configuration
     */
    public LatentAttentionConfig withRotary(Frequencies angles, LogitScale scale) {
        return new LatentAttentionConfig(
                width, heads, head, query, latent, angles, scale, normEps, form, selection, sinks);
    }

    /**
     * The same with another order of products.
     *
     * @param order expanded, absorbed or the cheaper
     * @return a new configuration
     */
    public LatentAttentionConfig withForm(LatentForm order) {
        return new LatentAttentionConfig(
                width, heads, head, query, latent, frequencies, logitScale, normEps, order, selection, sinks);
    }

    /**
     * The same with another epsilon in its norms.
     *
     * @param eps added to the mean square
     * @return a new configuration
     */
    public LatentAttentionConfig withNormEps(double eps) {
        return new LatentAttentionConfig(
                width, heads, head, query, latent, frequencies, logitScale, eps, form, selection, sinks);
    }

    /**
     * The same with or without sinks.
     *
     * @param choice whether heads have sinks
     * @return a new configuration
     */
    public LatentAttentionConfig withSinks(Sinks choice) {
        return new LatentAttentionConfig(
                width, heads, head, query, latent, frequencies, logitScale, normEps, form, selection, choice);
    }

    /** {@return what a token leaves in a cache: latent, rotary key, and the scorer's key if there is a scorer} */
    public RowLayout rowLayout() {
        RowLayout layout = RowLayout.of(LatentAttention.LATENT, latent).with(LatentAttention.ROTARY_KEY, head.rotary());
        int scorerKey = selection.scorer().keyWidth();
        return scorerKey == 0 ? layout : layout.with(LatentAttention.SCORER_KEY, scorerKey);
    }

    /**
     * Rows of a cache as DeepSeek-V3.2 stores them: latent in E4M3 with a float32 scale for each tile and rotary key in bfloat16, in one row,
     * and the scorer's key in E4M3 with one scale. A latent of 512 and a rotary key of 64 give {@link TiledRows#V32_FP8_SPARSE}. Tiles have
     * 128 numbers or, where those do not divide the latent, its greatest divisor below.
     *
     * @return what {@code KvCacheConfig.of} and {@code BlockPoolConfig.of} take
     */
    public RowStorage fp8Storage() {
        int tile = Math.min(latent, FP8_TILE);
        while (latent % tile != 0) {
            tile--;
        }
        RowStorage latents = RowStorage.float32(rowLayout())
                .with(TiledRows.fp8(latent, head.rotary(), tile), LatentAttention.LATENT, LatentAttention.ROTARY_KEY);
        int scorerKey = selection.scorer().keyWidth();
        return scorerKey == 0 ? latents : latents.with(TiledRows.fp8IndexKeys(scorerKey), LatentAttention.SCORER_KEY);
    }

    /** {@return how many numbers the parameters of the layer hold} */
    public long parameterCount() {
        long queries = (long) heads * head.query();
        long queryPath = switch (query) {
            case QueryProjection.Direct() -> queries * width;
            case QueryProjection.Compressed(int rank) -> rank * (width + 1 + queries);
        };
        long keysAndValues = (long) (latent + head.rotary()) * width
                + latent
                + (long) heads * (head.content() + head.value()) * latent;
        return queryPath
                + keysAndValues
                + (long) heads * head.value() * width
                + (sinks == Sinks.LEARNED ? heads : 0)
                + selection.scorer().parameterCount(scorerWidths());
    }

    ScorerConfig.Widths scorerWidths() {
        return new ScorerConfig.Widths(width, query.latentWidth(width), head.rotary());
    }

    /**
     * Builds the layer.
     *
     * @param backend where its parameters live
     * @param random draws them
     * @return the layer
     */
    public LatentAttention init(Backend backend, RandomStream random) {
        return LatentAttention.init(this, backend, random);
    }
}
