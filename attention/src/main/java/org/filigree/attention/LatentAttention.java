package org.filigree.attention;

import static org.filigree.core.op.Broadcasting.broadcastTo;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Permute.permute;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.op.Slice.split;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.nn.Rotary;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheEnd;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.jspecify.annotations.Nullable;

/**
 * Multi-head latent attention (DeepSeek-V2, 2024; V3), causal, over all keys or over those that a {@link Selector} chooses. Keys and
 * values of all heads come from one latent c = RMS(first channels of Wkv_a·x); position lives in a separate rotated key, one for all
 * heads, and in the last channels of each query:
 *
 * <pre>
 * logit(t, h, j) = scale·(q_content(t, h)·W_UK(h)·c(j) + rotated q_rotary(t, h)·rotated k_rotary(j))
 * output(t)      = Wo·[W_UV(h)·Σ_j softmax_j(logit)·c(j)]_h
 * </pre>
 *
 * <p>With a {@link CacheBatch} in the context the layer decodes incrementally: it appends what the tokens leave, then attends to all
 * that the caches hold, so that any division of a sequence into passes gives the same outputs. Position then follows from the length
 * of each cache; {@link Context#start} must be 0 or agree with it. A pass that fails leaves appended rows behind; truncate the caches
 * to their former length before trying again. Of two passes through one cache at the same time, the one that appends second is refused,
 * and its rows are not appended; the other does not see what comes after it.
 *
 * <p>Parameters are named as in released checkpoints: {@code q_a_proj}, {@code q_a_layernorm}, {@code q_b_proj} (or {@code q_proj}),
 * {@code kv_a_proj_with_mqa}, {@code kv_a_layernorm}, {@code kv_b_proj}, {@code o_proj}, and the scorer's under {@code indexer};
 * {@code attn_sink} where heads have {@linkplain Sinks sinks}.
 */
public final class LatentAttention implements Layer {
    /** Name of the cached latent. */
    public static final String LATENT = "latent";

    /** Name of the cached rotated key. */
    public static final String ROTARY_KEY = "rotary key";

    /** Name of the scorer's cached key. */
    public static final String SCORER_KEY = "scorer key";

    private final LatentAttentionConfig config;
    private final QueryPath query;
    private final Linear compress;
    private final RmsNorm latentNorm;
    private final Linear expand;
    private final Linear output;
    private final Scorer scorer;
    private final @Nullable Parameter sinks;
    private final Rotary rotary;
    private final double scale;

    private LatentAttention(
            LatentAttentionConfig config,
            QueryPath query,
            Linear compress,
            RmsNorm latentNorm,
            Linear expand,
            Linear output,
            Scorer scorer,
            @Nullable Parameter sinks) {
        this.config = config;
        this.query = query;
        this.compress = compress;
        this.latentNorm = latentNorm;
        this.expand = expand;
        this.output = output;
        this.scorer = scorer;
        this.sinks = sinks;
        this.rotary = new Rotary(config.head().rotary(), config.frequencies());
        this.scale = config.logitScale().of(config.head().query(), config.frequencies());
    }

    static LatentAttention init(LatentAttentionConfig config, Backend backend, RandomStream random) {
        HeadWidths head = config.head();
        int width = config.width();
        int latent = config.latent();
        int heads = config.heads();
        return new LatentAttention(
                config,
                QueryPath.init(config, backend, random),
                LinearConfig.of(width, latent + head.rotary()).init(backend, random.fork("kv_a_proj_with_mqa")),
                RmsNorm.init(backend, latent, config.normEps()),
                LinearConfig.of(latent, heads * (head.content() + head.value()))
                        .init(backend, random.fork("kv_b_proj")),
                LinearConfig.of(heads * head.value(), width).init(backend, random.fork("o_proj")),
                config.selection().scorer().init(config.scorerWidths(), backend, random.fork("indexer")),
                config.sinks() == Sinks.LEARNED
                        ? Parameter.learned(backend.tensors().zeros(Shape.of(heads)))
                        : null);
    }

    /** {@return its sizes and choices} */
    public LatentAttentionConfig config() {
        return config;
    }

    /**
     * The same parameters under another choice of keys: {@link All} for the dense warm-up of an indexer, another k for an experiment.
     *
     * @param selector chooses keys
     * @return a layer that shares this one's parameters
     * @throws IllegalArgumentException if the selector needs scores and this layer has no scorer
     */
    public LatentAttention withSelector(Selector selector) {
        if (selector.scored() && scorer instanceof NoScorer) {
            throw new IllegalArgumentException("latent attention: " + selector
                    + " needs scores but the layer was made without a scorer; call withSelector on its configuration");
        }
        return with(config.withSelector(selector));
    }

    /**
     * The same parameters under another order of products.
     *
     * @param form expanded, absorbed or the cheaper
     * @return a layer that shares this one's parameters
     */
    public LatentAttention withForm(LatentForm form) {
        return with(config.withForm(form));
    }

    private LatentAttention with(LatentAttentionConfig changed) {
        return new LatentAttention(changed, query, compress, latentNorm, expand, output, scorer, sinks);
    }

    /** {@return what a token leaves in a cache} */
    public RowLayout rowLayout() {
        return config.rowLayout();
    }

    /** {@return what a token leaves in a cache, in FP8: see {@link LatentAttentionConfig#fp8Storage}} */
    public RowStorage fp8Storage() {
        return config.fp8Storage();
    }

    /**
     * Applies the layer.
     *
     * @param x [batch, tokens, width]
     * @param context may hold a {@link CacheBatch} and a {@link ScoreListener}
     * @return same shape
     * @throws KvCacheException if a cache is full, closed, of another layout, out of step with the context, or forgets keys within the
     *     selector's reach
     * @throws ShapeException if x, or what the scorer or the selector gives, has the wrong shape
     * @throws IllegalArgumentException if the selector chooses a key that its query does not see
     */
    @Override
    public Tensor forward(Tensor x, Context context) {
        Check.dtype("latent attention", "x", x, DType.FLOAT32);
        Check.rank("latent attention", "x", x, 3);
        Check.lastDim("latent attention", "x", x, config.width());
        return context.find(CacheBatch.KEY)
                .map(caches -> throughCaches(x, caches, context))
                .orElseGet(() -> atOnce(x, context));
    }

    private Tensor atOnce(Tensor x, Context context) {
        if (x.shape().size() == 0) {
            return x;
        }
        LatentTokens tokens = project(x).rotated(rotary.table(Backend.of(x), context.start(), x.dim(1)));
        return output.forward(attend(tokens, new LatentKeys.Computed(tokens.latent(), tokens.rotaryKey()), context));
    }

    /** Every cache is checked before anything is appended to one of them; sequences share the products with weights. */
    private Tensor throughCaches(Tensor x, CacheBatch caches, Context context) {
        List<CacheEnd> starts = caches.begin("latent attention", x.dim(0), x.dim(1), context);
        for (int b = 0; b < starts.size(); b++) {
            requireOwnRows(caches.sequences().get(b));
            requireInReach(caches.sequences().get(b), starts.get(b), x.dim(1));
        }
        if (x.shape().size() == 0) {
            return x;
        }
        return Autograd.withoutGradients(() -> {
            LatentTokens.Unrotated all = project(x);
            var heads = new ArrayList<Tensor>();
            for (int b = 0; b < starts.size(); b++) {
                Rotary.Table angles = rotary.table(Backend.of(x), starts.get(b).length(), x.dim(1));
                LatentTokens tokens = all.sequence(b).rotated(angles);
                heads.add(throughCache(tokens, caches.sequences().get(b), starts.get(b), context));
            }
            return output.forward(concat(0, heads));
        });
    }

    /** Keys are read back from the cache, the new ones too, so that a cache which rounds gives the same whatever the division. */
    private Tensor throughCache(LatentTokens tokens, KvCache cache, CacheEnd start, Context context) {
        var rows = new ArrayList<Tensor>();
        rows.add(withoutBatch(tokens.latent()));
        rows.add(withoutBatch(tokens.rotaryKey()));
        boolean scored = scorer.keyWidth() > 0;
        if (scored) {
            ScorerInput input = tokens.scorerInput();
            rows.add(withoutBatch(
                    NounContract.keys(scorer.keys(input), scorer, 1, input.x().dim(1))));
        }
        CacheEnd end = cache.append(start, rows);
        return attend(tokens, LatentKeys.Cached.of(cache, end, scored, Backend.of(tokens.latent())), context);
    }

    /** Rows are appended in order: parts of equal width that stand in another order would be taken for each other. */
    private void requireOwnRows(KvCache cache) {
        if (!cache.layout().equals(config.rowLayout())) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    "latent attention: the cache holds rows " + cache.layout() + " but this layer leaves rows "
                            + config.rowLayout() + "; make the cache by the layer's rowLayout()");
        }
    }

    /** Keys that a ring has forgotten would change the result with the division into passes. */
    private void requireInReach(KvCache cache, CacheEnd end, int tokens) {
        int start = end.length();
        int reach = config.selection().selector().reach();
        int kept = cache.kept();
        if (reach > kept && cache.capacity() > kept) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "latent attention: queries may choose "
                            + (reach == Integer.MAX_VALUE ? "among all keys" : "among the last " + reach + " keys")
                            + " but the cache keeps " + kept + " of " + cache.capacity() + " tokens; use a cache that"
                            + " keeps all tokens, or a selector with a reach of " + kept
                            + " at most, SlidingWindow say");
        }
        int wanted = Math.max(0, start - reach + 1);
        int oldest = Math.max(cache.rows(end).firstToken(), start + tokens - kept);
        if (oldest > wanted) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "latent attention: the first of " + tokens + " tokens from position " + start
                            + " on may choose keys from " + wanted
                            + " on, but with these tokens the cache, which keeps "
                            + kept + ", begins at " + oldest + "; use a ring with more slack, or fewer tokens at once");
        }
    }

    private static Tensor withoutBatch(Tensor x) {
        return reshape(x, x.shape().without(0));
    }

    private LatentTokens.Unrotated project(Tensor x) {
        HeadWidths head = config.head();
        Tensor queryLatent = query.latent(x);
        Tensor q = reshape(query.queries(queryLatent), x.dim(0), x.dim(1), config.heads(), head.query());
        List<Tensor> kv = split(compress.forward(x), -1, config.latent(), head.rotary());
        return new LatentTokens.Unrotated(head, x, queryLatent, q, latentNorm.forward(kv.get(0)), kv.get(1));
    }

    /** What heads have mixed, [batch, tokens, heads · value]. */
    private Tensor attend(LatentTokens tokens, LatentKeys keys, Context context) {
        int count = keys.count();
        Optional<Tensor> indices = choice(tokens, keys, context);
        return absorbs(tokens, count, indices.map(chosen -> chosen.dim(2)).orElse(count))
                ? absorbed(tokens, keys, indices)
                : expanded(tokens, keys, indices);
    }

    /** The keys that queries attend to, nothing for all of them. Only a listener, who trains the scorer, hears the scores of all queries at once. */
    private Optional<Tensor> choice(LatentTokens tokens, LatentKeys keys, Context context) {
        Selector selector = config.selection().selector();
        ScorerInput asking = tokens.scorerInput();
        int queries = asking.x().dim(1);
        Visibility visibility = Visibility.causal(queries, keys.count());
        var blocks = QueryBlocks.of(asking.x().dim(0), queries, keys.count());
        Optional<ScoreListener> listener =
                scorer instanceof NoScorer ? Optional.empty() : context.find(ScoreListener.KEY);
        Optional<Tensor> heard = listener.map(hearing -> {
            Tensor scores = keys.scoring(scorer, asking).apply(asking);
            hearing.heard(new ScoreListener.Heard(scores, detachedLogits(tokens, keys), visibility));
            return Autograd.detach(scores);
        });
        if (selector instanceof All) {
            return Optional.empty();
        }
        if (!selector.scored()) {
            return Optional.of(blocks.choose(Backend.of(asking.x()), selector, visibility));
        }
        return Optional.of(Autograd.withoutGradients(() -> {
            QueryBlocks.Scores scores = heard.map(QueryBlocks.Scores::all).orElseGet(() -> {
                Function<ScorerInput, Tensor> scoring = keys.scoring(scorer, asking);
                return (from, to) -> scoring.apply(asking.tokens(from, to));
            });
            return blocks.choose(selector, visibility, scores);
        }));
    }

    /** Counts multiplications of the steps in which the forms differ, a gathered key for as many as it costs. */
    private boolean absorbs(LatentTokens tokens, long keys, long chosen) {
        HeadWidths head = config.head();
        long queries = tokens.latent().dim(1);
        long expanding = (long) config.latent() * (head.content() + head.value());
        long expanded = keys * expanding + queries * keys * (head.query() + head.value());
        long read =
                Math.min(keys, CheaperAttention.gatheredKeyCost(Backend.of(tokens.latent()), config.heads()) * chosen);
        long absorbed = queries * expanding + queries * read * (2L * config.latent() + head.rotary());
        return switch (config.form()) {
            case EXPANDED -> false;
            case ABSORBED -> true;
            case CHEAPER -> absorbed < expanded;
        };
    }

    /** Per-head keys and values: [batch, tokens, heads · value]. */
    private Tensor expanded(LatentTokens tokens, LatentKeys keys, Optional<Tensor> indices) {
        HeadWidths head = config.head();
        Tensor q = concat(-1, tokens.qContent(), tokens.qRotary());
        KeySpan span = KeySpan.causal(q.dim(1), keys.count());
        Tensor mixed = switch (keys) {
            case LatentKeys.Computed own -> {
                SegmentedKeys.Segment all = byHead(own.latent(), own.rotaryKey());
                var input = new DenseAttentionInput(q, all.keys(), all.values(), span, scale, sinkLogits());
                yield indices.map(chosen -> ScaledDotProductAttention.attend(input, chosen))
                        .orElseGet(() -> ScaledDotProductAttention.attend(input))
                        .output();
            }
            case LatentKeys.Cached cached ->
                SegmentedKeys.of(
                                cached.count(),
                                (long) config.heads() * (head.query() + head.value()),
                                (first, count) -> byHead(cached.latents(first, count), cached.rotaryKeys(first, count)))
                        .attend(q, span, scale, sinkLogits(), indices.orElse(null))
                        .output();
        };
        return reshape(mixed, mixed.dim(0), mixed.dim(1), config.heads() * head.value());
    }

    /** Keys and values of each head. */
    private SegmentedKeys.Segment byHead(Tensor latent, Tensor rotaryKey) {
        HeadWidths head = config.head();
        int batch = latent.dim(0);
        int keys = latent.dim(1);
        int heads = config.heads();
        List<Tensor> kv = split(
                reshape(expand.forward(latent), batch, keys, heads, head.content() + head.value()),
                -1,
                head.content(),
                head.value());
        Tensor shared = broadcastTo(insertAxis(rotaryKey, 2), Shape.of(batch, keys, heads, head.rotary()));
        return new SegmentedKeys.Segment(concat(-1, kv.get(0), shared), kv.get(1));
    }

    /** One key and value for all heads, in latent space: [batch, tokens, heads · value]. */
    private Tensor absorbed(LatentTokens tokens, LatentKeys keys, Optional<Tensor> indices) {
        HeadWidths head = config.head();
        Tensor q = intoLatentSpace(tokens);
        Tensor mixed = indices.map(chosen -> sparse(q, keys, chosen)).orElseGet(() -> dense(q, keys));
        Tensor values = slice(expandByHead(), 1, head.content(), head.content() + head.value());
        Tensor out = matmulTransposed(headMajor(mixed), values);
        return reshape(tokenMajor(out, mixed), mixed.dim(0), mixed.dim(1), config.heads() * head.value());
    }

    /** Over the cache's own rows where there is a cache and the user has no attention of their own. */
    private Tensor sparse(Tensor q, LatentKeys keys, Tensor chosen) {
        SparseAttention attention = config.selection().attention();
        if (attention instanceof CheaperAttention && keys instanceof LatentKeys.Cached cached) {
            Tensor mixed = CachedAttention.attend(new CachedAttentionInput(
                            withoutBatch(q), cached.rows(), config.latent(), withoutBatch(chosen), scale, sinkLogits()))
                    .output();
            return insertAxis(mixed, 0);
        }
        return attention
                .attend(new AttentionInput(q, keys.joined(), config.latent(), chosen, scale, sinkLogits()))
                .output();
    }

    private Tensor dense(Tensor q, LatentKeys keys) {
        KeySpan span = KeySpan.causal(q.dim(1), keys.count());
        return switch (keys) {
            case LatentKeys.Computed own -> {
                Tensor oneHead = insertAxis(own.joined(), 2);
                Tensor values = slice(oneHead, -1, 0, config.latent());
                yield ScaledDotProductAttention.attend(
                                new DenseAttentionInput(q, oneHead, values, span, scale, sinkLogits()))
                        .output();
            }
            case LatentKeys.Cached cached ->
                insertAxis(
                        CachedDenseAttention.attend(new CachedDenseInput(
                                        withoutBatch(q), cached.rows(), config.latent(), span, scale, sinkLogits()))
                                .output(),
                        0);
        };
    }

    private @Nullable Tensor sinkLogits() {
        return sinks == null ? null : sinks.value();
    }

    /** [q_content·W_UK | q_rotary]: [batch, tokens, heads, latent + rotary]. */
    private Tensor intoLatentSpace(LatentTokens tokens) {
        Tensor content = tokens.qContent();
        Tensor keys = slice(expandByHead(), 1, 0, config.head().content());
        return concat(-1, tokenMajor(matmul(headMajor(content), keys), content), tokens.qRotary());
    }

    /** Wkv_b by head: [heads, content + value, latent]. */
    private Tensor expandByHead() {
        HeadWidths head = config.head();
        return reshape(expand.weight().value(), config.heads(), head.content() + head.value(), config.latent());
    }

    private Tensor detachedLogits(LatentTokens tokens, LatentKeys keys) {
        return Autograd.withoutGradients(() -> MaskedAttention.logits(intoLatentSpace(tokens), keys.joined(), scale));
    }

    /** [batch, tokens, heads, ·] to [heads, batch · tokens, ·], for products with one matrix for each head. */
    private static Tensor headMajor(Tensor x) {
        return reshape(permute(x, 2, 0, 1, 3), x.dim(2), x.dim(0) * x.dim(1), x.dim(3));
    }

    /** The way back, to the leading axes of {@code like}. */
    private static Tensor tokenMajor(Tensor x, Tensor like) {
        Tensor parts = reshape(x, like.dim(2), like.dim(0), like.dim(1), x.dim(2));
        return permute(parts, 1, 2, 0, 3);
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map = ParameterMap.empty()
                .with("", query.parameters())
                .with("kv_a_proj_with_mqa", compress.parameters())
                .with("kv_a_layernorm", latentNorm.parameters())
                .with("kv_b_proj", expand.parameters())
                .with("o_proj", output.parameters())
                .with("indexer", scorer.parameters());
        return sinks == null ? map : map.with("attn_sink", sinks);
    }

    @Override
    public String toString() {
        return "LatentAttention{" + config + ", parameters: " + parameters().elements() + "}";
    }
}
