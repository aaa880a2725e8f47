package org.filigree.v4.context;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.filigree.attention.CachedAttention;
import org.filigree.attention.CachedAttentionInput;
import org.filigree.attention.IndexScores;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Initializer;
import org.filigree.core.op.TopK;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SequenceCache;
import org.filigree.kvcache.TiledRows;

/** Fills a cache and measures, at every length on the way, the parts of a decode step of DSA. */
public final class ContextScan {
    private static final int LATENT = 512;
    private static final int ROTARY = 64;
    private static final int INDEX = 128;

    /** Tokens appended together. */
    private static final int PROMPT = 4096;

    private static final int FEWEST_RUNS = 5;

    /** Steps with queries of their own. */
    private static final int QUERIES = 8;

    private static final int PARTS = 4;

    private final ContextPlan plan;

    /**
     * A scan.
     *
     * @param plan what is measured
     */
    public ContextScan(ContextPlan plan) {
        this.plan = plan;
    }

    /**
     * Measures.
     *
     * @param backend on which
     * @param progress told each length when it is done
     * @return one entry a length
     */
    public List<ContextTiming> run(Backend backend, Consumer<ContextTiming> progress) {
        RandomStream random = RandomStream.of(plan.seed());
        RowLayout layout = RowLayout.of("latent", LATENT).with("rotary", ROTARY).with("index", INDEX);
        RowStorage storage = RowStorage.float32(layout)
                .with(TiledRows.V32_FP8_SPARSE, "latent", "rotary")
                .with(TiledRows.fp8IndexKeys(INDEX), "index");
        var timings = new ArrayList<ContextTiming>();
        try (SequenceCache sequence =
                KvCacheConfig.of(plan.lengths().getLast(), 1, storage).init()) {
            KvCache cache = sequence.layer(0);
            for (int length : plan.lengths()) {
                fill(cache, length, backend, random);
                ContextTiming timing = measure(cache, backend, random.fork(length));
                timings.add(timing);
                progress.accept(timing);
            }
        }
        return timings;
    }

    private static void fill(KvCache cache, int length, Backend backend, RandomStream random) {
        while (cache.length() < length) {
            int tokens = Math.min(PROMPT, length - cache.length());
            RandomStream own = random.fork(cache.length());
            cache.append(
                    cache.end(),
                    List.of(
                            normal(backend, own.fork("latent"), tokens, LATENT),
                            normal(backend, own.fork("rotary"), tokens, ROTARY),
                            normal(backend, own.fork("index"), tokens, INDEX)));
        }
    }

    /** The inputs of one step. */
    private record Step(Tensor indexQueries, Tensor indexWeights, Tensor queries) {}

    /**
     * Whole steps with other queries each time, whose parts are timed one by one: what a part finds in the processor's caches is then what the
     * parts before it have left there, as in decoding.
     */
    private ContextTiming measure(KvCache cache, Backend backend, RandomStream random) {
        var steps = new ArrayList<Step>();
        for (int i = 0; i < QUERIES; i++) {
            RandomStream own = random.fork(i);
            steps.add(new Step(
                    normal(backend, own.fork("index queries"), 1, plan.indexHeads(), INDEX),
                    normal(backend, own.fork("index weights"), 1, plan.indexHeads()),
                    normal(backend, own.fork("queries"), 1, plan.heads(), LATENT + ROTARY)));
        }
        // Half the time goes by before it counts, so that everything is compiled.
        timed(cache, steps);
        List<double[]> parts = timed(cache, steps);
        return new ContextTiming(
                cache.length(),
                median(parts, 0),
                median(parts, 1),
                median(parts, 2),
                median(parts, 3),
                cache.memory().usedBytes());
    }

    /** Seconds of scores, choice, attention and the same attention once more, step by step. */
    private List<double[]> timed(KvCache cache, List<Step> steps) {
        int chosen = Math.min(plan.chosen(), cache.length());
        double scale = 1 / Math.sqrt(LATENT + ROTARY);
        var parts = new ArrayList<double[]>();
        long begin = System.nanoTime();
        while (parts.size() < FEWEST_RUNS || System.nanoTime() - begin < PARTS * plan.seconds() / 2 * 1e9) {
            Step step = steps.get(parts.size() % QUERIES);
            long start = System.nanoTime();
            Tensor scores = IndexScores.of(step.indexQueries, step.indexWeights, cache.rows("index"));
            long scored = System.nanoTime();
            Tensor best = TopK.topK(scores, chosen).indices();
            long selected = System.nanoTime();
            var input =
                    new CachedAttentionInput(step.queries, cache.rows("latent", "rotary"), LATENT, best, scale, null);
            CachedAttention.attend(input);
            long attended = System.nanoTime();
            CachedAttention.attend(input);
            long again = System.nanoTime();
            parts.add(new double[] {
                (scored - start) * 1e-9,
                (selected - scored) * 1e-9,
                (attended - selected) * 1e-9,
                (again - attended) * 1e-9
            });
        }
        return parts;
    }

    private static double median(List<double[]> parts, int part) {
        double[] seconds =
                parts.stream().mapToDouble(step -> step[part]).sorted().toArray();
        return seconds[seconds.length / 2];
    }

    private static Tensor normal(Backend backend, RandomStream random, int... dims) {
        return Initializer.normal(1).draw(backend, Shape.of(dims), random);
    }
}
