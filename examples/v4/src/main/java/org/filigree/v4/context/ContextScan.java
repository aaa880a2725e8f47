package org.filigree.v4.context;

import java.util.ArrayList;
import java.util.Arrays;
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

    private ContextTiming measure(KvCache cache, Backend backend, RandomStream random) {
        int chosen = Math.min(plan.chosen(), cache.length());
        Tensor indexQueries = normal(backend, random.fork("index queries"), 1, plan.indexHeads(), INDEX);
        Tensor indexWeights = normal(backend, random.fork("index weights"), 1, plan.indexHeads());
        Tensor queries = normal(backend, random.fork("queries"), 1, plan.heads(), LATENT + ROTARY);
        Tensor scores = IndexScores.of(indexQueries, indexWeights, cache.rows("index"));
        Tensor best = TopK.topK(scores, chosen).indices();
        double scale = 1 / Math.sqrt(LATENT + ROTARY);
        double index = median(() -> IndexScores.of(indexQueries, indexWeights, cache.rows("index")));
        double select = median(() -> TopK.topK(scores, chosen));
        double attend = median(() -> CachedAttention.attend(
                new CachedAttentionInput(queries, cache.rows("latent", "rotary"), LATENT, best, scale, null)));
        return new ContextTiming(
                cache.length(), index, select, attend, cache.memory().usedBytes());
    }

    /** Half the time goes by before it counts, so that everything is compiled. */
    private double median(Runnable part) {
        timed(part);
        double[] seconds = timed(part);
        Arrays.sort(seconds);
        return seconds[seconds.length / 2];
    }

    private double[] timed(Runnable part) {
        var seconds = new ArrayList<Double>();
        long begin = System.nanoTime();
        while (seconds.size() < FEWEST_RUNS || System.nanoTime() - begin < plan.seconds() / 2 * 1e9) {
            long before = System.nanoTime();
            part.run();
            seconds.add((System.nanoTime() - before) * 1e-9);
        }
        return seconds.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static Tensor normal(Backend backend, RandomStream random, int... dims) {
        return Initializer.normal(1).draw(backend, Shape.of(dims), random);
    }
}
