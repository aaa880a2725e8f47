package org.filigree.attention.compressed;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;

import java.util.ArrayList;
import java.util.Optional;
import java.util.function.Supplier;
import org.filigree.attention.ScoreListener;
import org.filigree.attention.ScorerInput;
import org.filigree.attention.Selector;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.Rotary;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.jspecify.annotations.Nullable;

/**
 * Attention of DeepSeek-V4: every query sees the tokens of a sliding window one by one and, further back, entries that stand for runs
 * of tokens, in one softmax with a sink for each head. All heads share one key k, which is also the value:
 *
 * <pre>
 * q(t, h)  = rotated RMS(Wq_b(h)·RMS(Wq_a·x_t))          k(t) = rotated RMS(Wkv·x_t)
 * o(t, h)  = turned back by t: Σ_j softmax_j(q·k_j·head^−½, sink_h)·k_j    over window and entries
 * output   = Wo_b·[Wo_a(g)·(o of the heads of group g)]_g
 * </pre>
 *
 * <p>Entry w comes from a {@link Compressor}, is rotated to the position of its first token, and is visible from the last token of its
 * run on. Tokens inside the window stay visible through their entries too.
 *
 * <p>With a {@link CacheBatch} of {@linkplain CompressedCache#of suitable caches} in the context the layer decodes incrementally;
 * prefill, single steps and any other division of a sequence give the same outputs. Without caches a pass begins at position 0.
 *
 * <p>Parameters are named as in released checkpoints: {@code attn_sink}, {@code wq_a}, {@code q_norm}, {@code wq_b}, {@code wkv},
 * {@code kv_norm}, {@code wo_a}, {@code wo_b}, and those under {@code compressor} and {@code indexer}.
 */
public final class CompressedAttention implements Layer {
    /** Name of the cached keys of single tokens. */
    public static final String WINDOW = "window";

    /** Name of what tokens leave for the compressor. */
    public static final String ROWS = "rows";

    /** Name of what tokens leave for the scorer. */
    public static final String SCORER_ROWS = "scorer rows";

    /** Name of the cached entries. */
    public static final String ENTRIES = "entries";

    /** Name of the scorer's keys of entries. */
    public static final String SCORER_KEYS = "scorer keys";

    private final CompressedAttentionConfig config;
    private final SharedHead head;
    private final @Nullable Compressor compressor;
    private final @Nullable EntryScorer scorer;
    private final Rotary rotary;

    private CompressedAttention(
            CompressedAttentionConfig config,
            SharedHead head,
            @Nullable Compressor compressor,
            @Nullable EntryScorer scorer) {
        this.config = config;
        this.head = head;
        this.compressor = compressor;
        this.scorer = scorer;
        this.rotary = new Rotary(config.head().rotary(), config.rotary().of(config.compression()));
    }

    static CompressedAttention init(CompressedAttentionConfig config, Backend backend, RandomStream random) {
        SharedHeadConfig sizes = config.head();
        boolean compresses = config.compression().ratio() > 0;
        return new CompressedAttention(
                config,
                SharedHead.init(sizes, backend, random),
                compresses
                        ? Compressor.init(
                                config.compression(),
                                sizes.width(),
                                sizes.head(),
                                sizes.normEps(),
                                backend,
                                random.fork("compressor"))
                        : null,
                compresses && config.choice() instanceof EntryChoice.Scored scored
                        ? scored.scorer().init(config.surroundings(), backend, random.fork("indexer"))
                        : null);
    }

    /** {@return its sizes and choices} */
    public CompressedAttentionConfig config() {
        return config;
    }

    /**
     * Applies the layer.
     *
     * @param x [batch, tokens, width]
     * @param context may hold a {@link CacheBatch} and a {@link ScoreListener}, which hears scores and logits of entries
     * @return same shape
     * @throws KvCacheException if a cache is full, closed, of another layout or out of step with the context
     */
    @Override
    public Tensor forward(Tensor x, Context context) {
        Check.rank("compressed attention", "x", x, 3);
        Check.lastDim("compressed attention", "x", x, config.head().width());
        Optional<CacheBatch> caches = context.find(CacheBatch.KEY);
        if (x.shape().size() == 0) {
            return Backend.of(x).tensors().zeros(x.shape());
        }
        return caches.map(
                        batch -> CachedPass.eachSequence("compressed attention", x, batch, context, this::throughCache))
                .orElseGet(() -> atOnce(x, context));
    }

    private Tensor atOnce(Tensor x, Context context) {
        if (context.start() != 0) {
            throw new IllegalArgumentException("compressed attention: a pass that begins at position " + context.start()
                    + " needs caches, since its window and its runs reach back; add a CacheBatch to the context");
        }
        Pass pass = project(x, 0, context);
        Entries entries = entries(pass, pass.rows, pass.scorerRows, context);
        return attend(pass, entries.latents, entries.scorerKeys, pass.tokens.keyValue(), context);
    }

    /** Entries are read back from the cache, new ones too; the window's earlier keys come before the pass's own. */
    private Tensor throughCache(Tensor x, KvCache cache, Context context) {
        int start = cache.length();
        Pass pass = project(x, start, context);
        var parts = new ArrayList<Tensor>();
        Tensor window = after(cache, WINDOW, Math.max(0, start - config.window() + 1), pass.tokens.keyValue());
        parts.add(CachedPass.withoutBatch(pass.tokens.keyValue()));
        if (compressor == null) {
            cache.append(parts);
            Tensor none =
                    Backend.of(x).tensors().zeros(Shape.of(1, 0, config.head().head()));
            return attend(pass, none, none, window, context);
        }
        int first = compressor.firstRow(start / config.compression().ratio());
        Tensor rows = after(cache, ROWS, first, pass.rows);
        parts.add(CachedPass.withoutBatch(pass.rows));
        Tensor scorerRows = pass.scorerRows;
        if (scorerRows.dim(2) > 0) {
            scorerRows = after(cache, SCORER_ROWS, first, scorerRows);
            parts.add(CachedPass.withoutBatch(pass.scorerRows));
        }
        Entries made = entries(pass, rows, scorerRows, context);
        parts.add(CachedPass.withoutBatch(made.latents));
        if (made.scorerKeys.dim(2) > 0) {
            parts.add(CachedPass.withoutBatch(made.scorerKeys));
        }
        cache.append(parts);
        Backend backend = Backend.of(x);
        Tensor entries = insertAxis(cache.view(ENTRIES, backend), 0);
        Tensor scorerKeys = made.scorerKeys.dim(2) > 0
                ? insertAxis(cache.view(SCORER_KEYS, backend), 0)
                : backend.tensors().zeros(Shape.of(1, entries.dim(1), 0));
        return attend(pass, entries, scorerKeys, window, context);
    }

    /** Rows of a part from a position on, then new ones: [1, rows, ·]. */
    private static Tensor after(KvCache cache, String part, int from, Tensor more) {
        if (from == cache.length()) {
            return more;
        }
        CacheRows held = cache.rows(part);
        int first = from - held.firstToken();
        int rows = held.count() - first;
        float[] values = new float[rows * held.width()];
        held.read(first, rows, values, 0);
        Tensor before = Backend.of(more).tensors().floats(Shape.of(1, rows, held.width()), values);
        return concat(1, before, more);
    }

    /** What the tokens of a pass become; rows [batch, tokens, ·] of width 0 where there is nothing to keep. */
    private record Pass(
            int start,
            Rotary.Table angles,
            SharedHead.Projected tokens,
            Tensor rows,
            Tensor scorerRows,
            ScorerInput scorerInput) {}

    private Pass project(Tensor x, int start, Context context) {
        Rotary.Table angles = rotary.table(Backend.of(x), start, x.dim(1));
        SharedHead.Projected plain = head.project(x, angles);
        var tokens = new SharedHead.Projected(
                plain.queryLatent(),
                plain.queries(),
                config.rounding().ofWindow(plain.keyValue(), config.head().rotary()));
        Tensor nothing = Backend.of(x).tensors().zeros(x.shape().withDim(-1, 0));
        Tensor detached = Autograd.detach(x);
        return new Pass(
                start,
                angles,
                tokens,
                compressor == null ? nothing : compressor.rows(x, start),
                scorer == null ? nothing : scoring(context, () -> scorer.rows(detached, start)),
                new ScorerInput(detached, Autograd.detach(tokens.queryLatent()), angles));
    }

    /** [batch, entries, ·], rotated. */
    private record Entries(Tensor latents, Tensor scorerKeys) {}

    /** The entries that a pass completes, from rows that reach back to where their pooling begins. */
    private Entries entries(Pass pass, Tensor rows, Tensor scorerRows, Context context) {
        Backend backend = Backend.of(rows);
        if (compressor == null) {
            Tensor none = backend.tensors()
                    .zeros(Shape.of(rows.dim(0), 0, config.head().head()));
            return new Entries(none, none);
        }
        int ratio = config.compression().ratio();
        int first = pass.start / ratio;
        Tensor latents = compressor.pool(rows, first);
        Rotary.Table angles = rotary.table(backend, first * ratio, ratio, latents.dim(1));
        Tensor rotated = PartialRotation.rotate(latents, config.head().rotary(), angles);
        Tensor keys = scorer == null
                ? backend.tensors().zeros(latents.shape().withDim(-1, 0))
                : scoring(
                        context,
                        () -> scorer.keys(
                                new EntryScorer.NewEntries(Autograd.detach(latents), scorerRows, first, angles)));
        return new Entries(config.rounding().ofEntries(rotated, config.head().rotary()), keys);
    }

    private Tensor attend(Pass pass, Tensor entries, Tensor scorerKeys, Tensor window, Context context) {
        var visible = new KeyLists(pass.start, pass.tokens.queries().dim(1), window.dim(1), config.window());
        Tensor indices = entries.dim(1) == 0
                ? visible.windowAlone(Backend.of(window), window.dim(0))
                : config.choice() instanceof EntryChoice.Scored scored && scorer != null
                        ? visible.behind(
                                chosen(scorer, scored.selector(), pass, scorerKeys, entries, context), entries.dim(1))
                        : visible.withEvery(Backend.of(window), window.dim(0), entries.dim(1), config.compression());
        Tensor keys = entries.dim(1) == 0 ? window : concat(1, entries, window);
        return head.attend(config.attention(), pass.tokens, pass.angles, keys, indices);
    }

    private Tensor chosen(
            EntryScorer ranked, Selector selector, Pass pass, Tensor scorerKeys, Tensor entries, Context context) {
        Optional<ScoreListener> listener = context.find(ScoreListener.KEY);
        Tensor scores = scoring(context, () -> ranked.score(pass.scorerInput, scorerKeys));
        listener.ifPresent(l -> l.heard(new ScoreListener.Heard(scores, logits(pass.tokens.queries(), entries))));
        return Autograd.withoutGradients(
                () -> selector.select(Autograd.detach(scores), KeyLists.visibility(pass.start, config.compression())));
    }

    /** The scorer is recorded only where somebody listens: nobody else could train it. */
    private static Tensor scoring(Context context, Supplier<Tensor> step) {
        return context.find(ScoreListener.KEY).isPresent() ? step.get() : Autograd.withoutGradients(step);
    }

    private Tensor logits(Tensor queries, Tensor entries) {
        return Autograd.withoutGradients(() -> {
            Tensor flat = reshape(queries, queries.dim(0), queries.dim(1) * queries.dim(2), queries.dim(3));
            Tensor products = scale(matmulTransposed(flat, entries), 1 / Math.sqrt(queries.dim(3)));
            return reshape(products, queries.shape().withDim(-1, entries.dim(1)));
        });
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map = head.parameters();
        map = compressor == null ? map : map.with("compressor", compressor.parameters());
        return scorer == null ? map : map.with("indexer", scorer.parameters());
    }

    @Override
    public String toString() {
        return "CompressedAttention{" + config + ", parameters: " + parameters().elements() + "}";
    }
}
