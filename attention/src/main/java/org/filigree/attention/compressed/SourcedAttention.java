package org.filigree.attention.compressed;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.filigree.attention.Attended;
import org.filigree.attention.KeySpan;
import org.filigree.attention.QueryBlocks;
import org.filigree.attention.ScoreListener;
import org.filigree.attention.ScorerInput;
import org.filigree.attention.TopBlocks;
import org.filigree.attention.TopK;
import org.filigree.attention.Visibility;
import org.filigree.attention.compressed.SourceLinks.Candidates;
import org.filigree.attention.compressed.Sources.Kind;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.Rotary;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCacheException;
import org.jspecify.annotations.Nullable;

/**
 * Attention of DeepSeek-V4.1 (CSA2): like {@link CompressedAttention} a window of single tokens and chosen compressed entries in one
 * softmax, but entries, index keys and choices are made by a few source layers and read by those behind them. A choice may be restricted
 * to candidate blocks that an earlier layer published; entries outside are never chosen, even where fewer than asked for remain.
 *
 * <p>Every pass needs {@link Sources} in its context, the same for all layers, which run in their order. With a {@link CacheBatch} the
 * layer decodes incrementally, and any division of a sequence gives the same outputs, whatever the caches round. A {@link MemoryHook} in the
 * context is not asked.
 *
 * <p>Parameters are named as in released checkpoints: those of the shared head, and under {@code compressor} and {@code indexer} what
 * the layer makes itself.
 */
public final class SourcedAttention implements Layer {
    private static final String LAYER = "sourced attention";

    private final SourcedAttentionConfig config;
    private final SharedHead head;
    private final @Nullable Compressor compressor;
    private final @Nullable LatentIndexer indexer;

    private SourcedAttention(
            SourcedAttentionConfig config,
            SharedHead head,
            @Nullable Compressor compressor,
            @Nullable LatentIndexer indexer) {
        this.config = config;
        this.head = head;
        this.compressor = compressor;
        this.indexer = indexer;
    }

    static SourcedAttention init(SourcedAttentionConfig config, Backend backend, RandomStream random) {
        SharedHeadConfig sizes = config.head();
        Compression compression = config.compression();
        var rotary = new Rotary(sizes.rotary(), config.rotary().of(compression));
        RandomStream forIndexer = random.fork("indexer");
        return new SourcedAttention(
                config,
                new SharedHead(sizes, rotary, config.rounding(), backend, random),
                config.makesEntries()
                        ? Compressor.init(
                                compression,
                                sizes.width(),
                                sizes.head(),
                                sizes.normEps(),
                                backend,
                                random.fork("compressor"))
                        : null,
                !config.chooses()
                        ? null
                        : config.makesIndexKeys()
                                ? config.indexer()
                                        .init(
                                                new EntryScorerConfig.Surroundings(sizes, compression),
                                                backend,
                                                forIndexer)
                                : config.indexer().initAsking(sizes, backend, forIndexer));
    }

    /** {@return its sizes and choices} */
    public SourcedAttentionConfig config() {
        return config;
    }

    /**
     * The same parameters under another number of chosen entries: all there will be, for the dense warm-up of an indexer.
     *
     * @param entries chosen at most
     * @return a layer that shares this one's parameters
     */
    public SourcedAttention withChosen(int entries) {
        return new SourcedAttention(config.withChosen(entries), head, compressor, indexer);
    }

    /**
     * Applies the layer.
     *
     * @param x [batch, tokens, width]
     * @param context holds {@link Sources}; may hold a {@link CacheBatch} and a {@link ScoreListener}
     * @return same shape
     * @throws KvCacheException if a cache is full, closed, of another layout or out of step with the context
     * @throws IllegalStateException if a source that the layer reads from has not published in this pass
     */
    @Override
    public Tensor forward(Tensor x, Context context) {
        return TokenPass.run(LAYER, config.head().width(), config.cacheLayout(), x, context, this::forward);
    }

    private Tensor forward(Tensor x, TokenPass pass, Context context) {
        SharedHead.Tokens tokens = head.project(x, pass.start());
        requireSources(tokens, pass.sequence(), context);
        if (compressor == null) {
            Attended window = window(tokens, pass, pass.leave(List.of(tokens.keys())));
            pass.end();
            return attend(tokens, pass.sequence(), window, context);
        }
        Tensor rows = compressor.rows(x, pass.start());
        boolean gated = config.compression().gated();
        List<Tensor> left = pass.leave(gated ? List.of(tokens.keys(), rows) : List.of(tokens.keys()));
        Attended window = window(tokens, pass, left);
        if (gated) {
            rows = pass.unpooled(CompressedAttention.ROWS, compressor, left.get(1));
        }
        int first = config.compression().entries(pass.start());
        EntryKeys entries = pass.end(make(compressor, first, rows, context));
        publish(entries, pass.sequence(), tokens, context);
        return attend(tokens, pass.sequence(), window, context);
    }

    /** What the layer will read is looked for before it leaves anything in a cache. */
    private void requireSources(SharedHead.Tokens tokens, int sequence, Context context) {
        if (config.compression().ratio() == 0) {
            return;
        }
        Sources sources = context.require(Sources.KEY, LAYER);
        SourceLinks links = config.links();
        sources.requireOfThisPass(links.layer(), sequence, tokens);
        if (!links.makesEntries()) {
            var _ = sources.read(Kind.ENTRIES, links.entries(), sequence, tokens);
        }
        if (!links.chooses()) {
            var _ = sources.read(Kind.CHOSEN, links.chosen(), sequence, tokens);
            return;
        }
        if (!links.makesIndexKeys()) {
            var _ = sources.read(Kind.ENTRIES, links.indexKeys(), sequence, tokens);
        }
        boolean sees = config.compression().entries(tokens.start() + tokens.count()) > 0;
        if (sees && links.candidates() instanceof Candidates.Of(int layer)) {
            var _ = sources.read(Kind.CANDIDATES, layer, sequence, tokens);
        }
    }

    /** Attention to the first of the parts that the tokens left, and what a window finds before them. */
    private Attended window(SharedHead.Tokens tokens, TokenPass pass, List<Tensor> left) {
        Tensor rows = pass.window(config.window(), left.getFirst());
        return SharedHead.toSpan(tokens, rows, KeySpan.window(tokens.count(), rows.dim(1), config.window()));
    }

    /** Index keys come from latents before these are rotated and rounded. */
    private EntryKeys.Computed make(Compressor pooling, int first, Tensor rows, Context context) {
        Tensor latents = pooling.pool(rows, first);
        Rotary.Table angles = head.anglesOfEntries(Backend.of(rows), config.compression(), first, latents.dim(1));
        Tensor indexKeys = indexer == null || !config.makesIndexKeys()
                ? null
                : Listening.scoring(
                        context,
                        () -> indexer.keys(
                                new EntryScorer.NewEntries(Autograd.detach(latents), latents, first, angles)));
        return new EntryKeys.Computed(head.entryKeys(latents, angles), indexKeys);
    }

    private void publish(EntryKeys made, int sequence, SharedHead.Tokens tokens, Context context) {
        context.require(Sources.KEY, LAYER).publish(Kind.ENTRIES, config.links().layer(), sequence, tokens, made);
    }

    private Tensor attend(SharedHead.Tokens tokens, int sequence, Attended window, Context context) {
        if (config.compression().ratio() == 0) {
            return head.output(List.of(window), tokens);
        }
        Sources sources = context.require(Sources.KEY, LAYER);
        EntryKeys entries = sources.read(Kind.ENTRIES, config.links().entries(), sequence, tokens);
        int visible = config.compression().entries(tokens.start() + tokens.count());
        if (indexer != null) {
            Tensor own =
                    visible == 0 ? none(tokens) : choose(indexer, tokens, sequence, sources, entries, visible, context);
            sources.publish(Kind.CHOSEN, config.links().layer(), sequence, tokens, own);
        }
        Tensor chosen = sources.read(Kind.CHOSEN, config.links().chosen(), sequence, tokens);
        if (chosen.dim(2) == 0) {
            return head.output(List.of(window), tokens);
        }
        Attended compressed = SharedHead.toChosen(config.attention(), tokens, entries, chosen);
        return head.output(List.of(window, compressed), tokens);
    }

    private static Tensor none(SharedHead.Tokens tokens) {
        Tensor queries = tokens.queries();
        return Backend.of(queries).tensors().ints(Shape.of(queries.dim(0), queries.dim(1), 0), new int[0]);
    }

    /** Among the first {@code visible} entries, as many as runs of this layer's own ratio are complete. */
    private Tensor choose(
            LatentIndexer asking,
            SharedHead.Tokens tokens,
            int sequence,
            Sources sources,
            EntryKeys entries,
            int visible,
            Context context) {
        EntryKeys answering = sources.read(Kind.ENTRIES, config.links().indexKeys(), sequence, tokens);
        ScorerInput input = tokens.scorerInput();
        Visibility visibility = config.compression().visibility(tokens.start());
        Optional<Tensor> heard = Listening.tell(
                context,
                () -> slice(answering.scores(asking, input), -1, 0, visible),
                tokens.queries(),
                entries,
                visibility);
        QueryBlocks.Scores scores = heard.map(QueryBlocks.Scores::all)
                .orElse((from, to) -> slice(answering.scores(asking, input.tokens(from, to)), -1, 0, visible));
        var blocks = QueryBlocks.of(input.x().dim(0), tokens.count(), visible);
        TopK best = TopK.of(config.chosen());
        return switch (config.links().candidates()) {
            case Candidates.All() -> blocks.choose(best, visibility, scores);
            case Candidates.Published(TopBlocks rule) -> {
                var candidates = new ArrayList<Tensor>();
                Tensor chosen = blocks.choose(
                        (given, sight) -> {
                            candidates.add(rule.chosen(given, sight));
                            return best.select(given, sight);
                        },
                        visibility,
                        scores);
                var published = new CandidateBlocks(rule, concat(1, candidates));
                sources.publish(Kind.CANDIDATES, config.links().layer(), sequence, tokens, published);
                yield chosen;
            }
            case Candidates.Of(int layer) -> {
                CandidateBlocks candidates = sources.read(Kind.CANDIDATES, layer, sequence, tokens);
                yield candidates.only(blocks.choose(
                        best, visibility, (from, to) -> candidates.masked(scores.of(from, to), from, to)));
            }
        };
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map = head.parameters();
        map = compressor == null ? map : map.with("compressor", compressor.parameters());
        return indexer == null ? map : map.with("indexer", indexer.parameters());
    }

    @Override
    public String toString() {
        return "SourcedAttention{" + config + ", parameters: " + parameters().elements() + "}";
    }
}
