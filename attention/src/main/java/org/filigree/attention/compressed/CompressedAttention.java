package org.filigree.attention.compressed;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.filigree.attention.All;
import org.filigree.attention.Attended;
import org.filigree.attention.KeySpan;
import org.filigree.attention.QueryBlocks;
import org.filigree.attention.ScoreListener;
import org.filigree.attention.ScorerInput;
import org.filigree.attention.Selector;
import org.filigree.attention.Visibility;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.Rotary;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheBatch;
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
 * <p>With a {@link CacheBatch} of {@linkplain CompressedAttentionConfig#cacheLayout suitable caches} in the context the layer decodes incrementally;
 * prefill, single steps and any other division of a sequence give the same outputs, whatever the caches round: tokens read their own rows as
 * they are stored. Without caches a pass begins at position 0.
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

    private static final String LAYER = "compressed attention";

    private final CompressedAttentionConfig config;
    private final SharedHead head;
    private final @Nullable Compressor compressor;
    private final @Nullable EntryScorer scorer;

    private CompressedAttention(
            CompressedAttentionConfig config,
            SharedHead head,
            @Nullable Compressor compressor,
            @Nullable EntryScorer scorer) {
        this.config = config;
        this.head = head;
        this.compressor = compressor;
        this.scorer = scorer;
    }

    static CompressedAttention init(CompressedAttentionConfig config, Backend backend, RandomStream random) {
        SharedHeadConfig sizes = config.head();
        Compression compression = config.compression();
        var rotary = new Rotary(sizes.rotary(), config.rotary().of(compression));
        var head = new SharedHead(sizes, rotary, config.rounding(), backend, random);
        if (compression.ratio() == 0) {
            return new CompressedAttention(config, head, null, null);
        }
        return new CompressedAttention(
                config,
                head,
                Compressor.init(
                        compression, sizes.width(), sizes.head(), sizes.normEps(), backend, random.fork("compressor")),
                config.choice() instanceof EntryChoice.Scored scored
                        ? scored.scorer().init(config.surroundings(), backend, random.fork("indexer"))
                        : null);
    }

    /** {@return its sizes and choices} */
    public CompressedAttentionConfig config() {
        return config;
    }

    /**
     * The same parameters under another choice of entries: {@link All} for the dense warm-up of an indexer.
     *
     * @param selector picks by scores
     * @return a layer that shares this one's parameters
     * @throws IllegalArgumentException if this layer scores no entries
     */
    public CompressedAttention withSelector(Selector selector) {
        if (!(config.choice() instanceof EntryChoice.Scored scored)) {
            throw new IllegalArgumentException("compressed attention: " + selector + " needs scores but a layer of "
                    + config.compression() + " with " + config.choice() + " has no scorer");
        }
        var choice = new EntryChoice.Scored(scored.scorer(), selector);
        return new CompressedAttention(config.withCompression(config.compression(), choice), head, compressor, scorer);
    }

    /**
     * Applies the layer.
     *
     * @param x [batch, tokens, width]
     * @param context may hold a {@link CacheBatch}, a {@link MemoryHook}, and a {@link ScoreListener}, which hears scores and logits of
     *     entries
     * @return same shape
     * @throws ShapeException if x, or the keys of a memory hook, are of another shape
     * @throws IllegalArgumentException if a memory hook answers null
     * @throws KvCacheException if a cache is too narrow a ring, full, closed, of another layout or out of step with the context
     */
    @Override
    public Tensor forward(Tensor x, Context context) {
        return TokenPass.run(LAYER, config.head().width(), config.cacheLayout(), x, context, this::forward);
    }

    private Tensor forward(Tensor x, TokenPass pass, Context context) {
        MemoryHook.Recalled memory = recalled(x, pass, context);
        SharedHead.Tokens tokens = head.project(x, pass.start());
        if (compressor == null) {
            Attended window = window(tokens, pass, pass.leave(List.of(tokens.keys())));
            pass.end();
            return joined(tokens, List.of(window), memory);
        }
        Tensor rows = compressor.rows(x, pass.start());
        Tensor scorerRows = scorerRows(tokens, context);
        boolean scored = scorerRows.dim(2) > 0;
        List<Tensor> left =
                pass.leave(scored ? List.of(tokens.keys(), rows, scorerRows) : List.of(tokens.keys(), rows));
        Attended window = window(tokens, pass, left);
        EntryKeys entries = pass.end(entries(
                compressor,
                config.compression().entries(pass.start()),
                pass.unpooled(ROWS, compressor, left.get(1)),
                pass.unpooled(SCORER_ROWS, compressor, scored ? left.get(2) : scorerRows),
                context));
        return joined(tokens, attended(tokens, entries, window, context), memory);
    }

    /** Attention to the first of the parts that the tokens left, and what a window finds before them. */
    private Attended window(SharedHead.Tokens tokens, TokenPass pass, List<Tensor> left) {
        Tensor rows = pass.window(config.window(), left.getFirst());
        return SharedHead.toSpan(tokens, rows, KeySpan.window(tokens.count(), rows.dim(1), config.window()));
    }

    private Tensor scorerRows(SharedHead.Tokens tokens, Context context) {
        Tensor x = tokens.scorerInput().x();
        return scorer == null
                ? Backend.of(x).tensors().zeros(x.shape().withDim(-1, 0))
                : Listening.scoring(context, () -> scorer.rows(x, tokens.start()));
    }

    /** The entries that a pass completes, from rows that reach back to where their pooling begins. */
    private EntryKeys.Computed entries(Compressor pooling, int first, Tensor rows, Tensor scorerRows, Context context) {
        Backend backend = Backend.of(rows);
        Tensor latents = pooling.pool(rows, first);
        Rotary.Table angles = head.anglesOfEntries(backend, config.compression(), first, latents.dim(1));
        Tensor scorerKeys = scorer == null
                ? null
                : Listening.scoring(
                        context,
                        () -> scorer.keys(
                                new EntryScorer.NewEntries(Autograd.detach(latents), scorerRows, first, angles)));
        return new EntryKeys.Computed(
                head.entryKeys(latents, angles), scorerKeys == null || scorerKeys.dim(2) == 0 ? null : scorerKeys);
    }

    private Tensor joined(SharedHead.Tokens tokens, List<Attended> parts, MemoryHook.@Nullable Recalled memory) {
        if (memory == null || memory.keys().dim(1) == 0) {
            return head.output(parts, tokens);
        }
        Tensor keys = memory.keys();
        var all = new ArrayList<>(parts);
        all.add(SharedHead.toSpan(tokens, head.rotatedTo(memory.position(), keys), KeySpan.all(keys.dim(1))));
        return head.output(all, tokens);
    }

    /** What a hook answers, null without one. */
    private MemoryHook.@Nullable Recalled recalled(Tensor x, TokenPass pass, Context context) {
        return context.find(MemoryHook.KEY)
                .map(hook -> answer(hook, new MemoryHook.Question(this, x, pass.sequence(), pass.start())))
                .orElse(null);
    }

    private static MemoryHook.Recalled answer(MemoryHook hook, MemoryHook.Question question) {
        int batch = question.x().dim(0);
        int head = question.layer().config().head().head();
        MemoryHook.@Nullable Recalled recalled = hook.recall(question);
        if (recalled == null) {
            throw new IllegalArgumentException(LAYER + ": the memory hook " + hook
                    + " answered null; where nothing is remembered, give keys [" + batch + ", 0, " + head + "]");
        }
        Tensor keys = recalled.keys();
        if (keys.dtype() != DType.FLOAT32 || keys.dim(0) != batch || keys.dim(2) != head) {
            throw new ShapeException(LAYER + ": keys of the memory hook " + hook + " must be FLOAT32 [" + batch
                    + ", memories, " + head + "], [batch, memories, head], but are " + keys.dtype() + " "
                    + keys.shape() + "; a pass through caches asks for each sequence by itself");
        }
        return recalled;
    }

    private List<Attended> attended(SharedHead.Tokens tokens, EntryKeys entries, Attended window, Context context) {
        if (entries.count() == 0) {
            return List.of(window);
        }
        Visibility visibility = config.compression().visibility(tokens.start());
        Optional<Tensor> chosen = Optional.empty();
        if (config.choice() instanceof EntryChoice.Scored scored && scorer != null) {
            chosen = chosen(scorer, scored.selector(), tokens, entries, visibility, context);
        }
        Attended compressed = chosen.map(indices -> SharedHead.toChosen(config.attention(), tokens, entries, indices))
                .orElseGet(() -> SharedHead.toSpan(tokens, entries, KeySpan.of(visibility)));
        return List.of(window, compressed);
    }

    /** Nothing for all visible entries; their scores are of interest to a listener alone. */
    private static Optional<Tensor> chosen(
            EntryScorer ranked,
            Selector selector,
            SharedHead.Tokens tokens,
            EntryKeys entries,
            Visibility visibility,
            Context context) {
        ScorerInput asking = tokens.scorerInput();
        Optional<Tensor> heard =
                Listening.tell(context, () -> entries.scores(ranked, asking), tokens.queries(), entries, visibility);
        if (selector instanceof All) {
            return Optional.empty();
        }
        Tensor x = asking.x();
        var blocks = QueryBlocks.of(x.dim(0), x.dim(1), entries.count());
        return Optional.of(
                selector.scored()
                        ? blocks.choose(
                                selector,
                                visibility,
                                heard.map(QueryBlocks.Scores::all)
                                        .orElse((from, to) -> entries.scores(ranked, asking.tokens(from, to))))
                        : blocks.choose(Backend.of(x), selector, visibility));
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
