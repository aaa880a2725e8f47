package org.filigree.attention.compressed;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.filigree.attention.TopBlocks;
import org.filigree.attention.TopK;
import org.filigree.attention.compressed.SharedHeadConfig.QueryNorm;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.nn.Layer;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.BlockPool;
import org.filigree.kvcache.BlockPoolConfig;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CompressedKvCache;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;

/** Layers over caches that round: how a sequence is divided into passes, and what was taken back in between, shows in no bit. */
class RoundedCachesProperties {
    private static final int WIDTH = 7;
    private static final int CAPACITY = 40;
    private static final CompressedAttentionConfig.RotaryChoice ROTARY = new CompressedAttentionConfig.RotaryChoice(
            new Frequencies.Plain(100), new Frequencies.Yarn(1600, 16, 4, 4, 1));

    /** Storages, and heads that they fit. */
    enum Stored {
        FLOAT32(6, 2, 4),
        BFLOAT16(6, 2, 4),
        V4(512, 64, 128),
        V41(512, 64, 128);

        private final int head;
        private final int rotary;
        private final int indexKey;

        Stored(int head, int rotary, int indexKey) {
            this.head = head;
            this.rotary = rotary;
            this.indexKey = indexKey;
        }

        CacheStorage storage() {
            return switch (this) {
                case FLOAT32 -> RowStorage::float32;
                case BFLOAT16 -> RowStorage::bfloat16;
                case V4 -> CacheStorage.deepSeekV4();
                case V41 -> CacheStorage.deepSeekV41();
            };
        }

        SharedHeadConfig head(QueryNorm norm) {
            return new SharedHeadConfig(WIDTH, 2, head, rotary, 5, 1, 3, norm, 1e-6);
        }

        /** A row appended to a cache of its own and read again. */
        double[] readAgain(String part, double[] row) {
            Backend backend = TestBackends.get("scalar");
            RowLayout layout = RowLayout.of(part, row.length);
            float[] values = new float[row.length];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) row[i];
            }
            try (KvCache cache = new ContiguousKvCache(storage().of(layout), 1)) {
                cache.append(cache.end(), List.of(backend.tensors().floats(Shape.of(1, row.length), values)));
                return cache.view(part, backend).toDoubles();
            }
        }
    }

    /** Where rows lie. */
    enum Form {
        CONTIGUOUS {
            @Override
            KvCache of(CacheLayout layout, CacheStorage storage) {
                return layout.init(CAPACITY, storage);
            }
        },
        SLIDING {
            @Override
            KvCache of(CacheLayout layout, CacheStorage storage) {
                return layout.initSliding(CAPACITY, SLACK, storage);
            }
        },
        PAGED {
            @Override
            KvCache of(CacheLayout layout, CacheStorage storage) {
                KvCache tokens = sequence(storage.of(layout.tokens()));
                return layout.entries().isEmpty()
                        ? tokens
                        : new CompressedKvCache(
                                tokens, sequence(storage.of(new RowLayout(layout.entries()))), layout.ratio());
            }
        };

        /** Tokens of a pass at most, and of a guess. */
        private static final int SLACK = 7;

        abstract KvCache of(CacheLayout layout, CacheStorage storage);

        /** Of a small pool, which stays open until the tests have run. */
        @SuppressWarnings("resource")
        private static KvCache sequence(RowStorage storage) {
            BlockPool pool =
                    BlockPoolConfig.of(16, 1, storage).withBlockTokens(4).init();
            return pool.sequence(CAPACITY).layer(0);
        }
    }

    /**
     * One pass.
     *
     * @param tokens how many
     * @param guessed how many more are appended behind them and taken back
     */
    record Step(int tokens, int guessed) {}

    @Provide
    Arbitrary<List<Step>> steps() {
        return Combinators.combine(
                        Arbitraries.integers().between(1, Form.SLACK), Arbitraries.of(0, 0, 0, 1, Form.SLACK))
                .as(Step::new)
                .list()
                .ofMinSize(1)
                .ofMaxSize(4);
    }

    @Provide
    Arbitrary<CompressedAttentionConfig> anyCompression() {
        return Combinators.combine(
                        Arbitraries.of(
                                new Compression.None(),
                                new Compression.Overlapping(4),
                                new Compression.Overlapping(4),
                                new Compression.Overlapping(3),
                                new Compression.Disjoint(5),
                                new Compression.Unbiased(1)),
                        Arbitraries.of(Stored.values()),
                        Arbitraries.of(1, 2, 100),
                        Arbitraries.integers().between(1, 6),
                        Arbitraries.of(true, false))
                .as((compression, stored, chosen, window, heavy) -> CompressedAttentionConfig.of(8, 2)
                        .withHead(stored.head(QueryNorm.PER_HEAD))
                        .withWindow(window)
                        .withRotary(ROTARY)
                        .withCompression(
                                compression,
                                heavy || compression.ratio() == 0
                                        ? new EntryChoice.Every()
                                        : new EntryChoice.Scored(
                                                CompressedIndexerConfig.of(8, stored.indexKey), TopK.of(chosen))));
    }

    private static Stored fitting(int head, boolean other) {
        return head == 6 ? (other ? Stored.FLOAT32 : Stored.BFLOAT16) : (other ? Stored.V4 : Stored.V41);
    }

    private static Map<String, double[]> drawn(Layer layer, Backend backend, String name) {
        RandomStream random = Seed.of(name);
        Map<String, double[]> weights = new LinkedHashMap<>();
        layer.parameters().forEach((path, parameter) -> {
            Sample drawn = Sample.gaussian(path, random, parameter.shape().toArray());
            double mean = path.endsWith("norm.weight") ? 1 : 0;
            parameter.assign(drawn.map(v -> mean + 0.5 * v).on(backend));
            weights.put(path, parameter.value().toDoubles());
        });
        return weights;
    }

    private static int length(List<Step> steps) {
        return steps.stream().mapToInt(Step::tokens).sum();
    }

    /** The outputs of all tokens, joined, of layers that each have activations and a cache of their own. */
    private static List<double[]> decoded(
            List<? extends Layer> layers, List<Tensor> inputs, List<KvCache> caches, List<Step> steps) {
        var outputs = new ArrayList<double[]>();
        layers.forEach(_ -> outputs.add(new double[inputs.getFirst().dim(1) * WIDTH]));
        int start = 0;
        for (Step step : steps) {
            if (step.guessed > 0) {
                pass(
                        layers,
                        on(inputs, 0, Math.min(step.guessed, inputs.getFirst().dim(1))),
                        caches);
                for (KvCache cache : caches) {
                    cache.truncate(start);
                }
            }
            List<Tensor> found = pass(layers, on(inputs, start, start + step.tokens), caches);
            for (int l = 0; l < found.size(); l++) {
                double[] values = found.get(l).toDoubles();
                System.arraycopy(values, 0, outputs.get(l), start * WIDTH, values.length);
            }
            start += step.tokens;
        }
        return outputs;
    }

    private static List<Tensor> on(List<Tensor> inputs, int from, int to) {
        return inputs.stream().map(x -> Slice.slice(x, 1, from, to)).toList();
    }

    private static List<Tensor> pass(List<? extends Layer> layers, List<Tensor> inputs, List<KvCache> caches) {
        Context context = Context.inference().with(Sources.KEY, new Sources());
        var outputs = new ArrayList<Tensor>();
        for (int l = 0; l < layers.size(); l++) {
            Context own = context.with(CacheBatch.KEY, CacheBatch.of(caches.get(l)));
            outputs.add(layers.get(l).forward(inputs.get(l), own));
        }
        return outputs;
    }

    private static List<Tensor> inputs(Backend backend, int layers, int tokens, long seed) {
        var inputs = new ArrayList<Tensor>();
        for (int l = 0; l < layers; l++) {
            inputs.add(Sample.gaussian("x" + l, RandomStream.of(seed), 1, tokens, WIDTH)
                    .on(backend));
        }
        return inputs;
    }

    /** In double precision no number falls to the other side of a tie, and what is compared is the same but for float32 reads. */
    @Property(tries = 40)
    void agreesWithPlainLoopsThatRoundWhatTheyStore(
            @ForAll("anyCompression") CompressedAttentionConfig config,
            @ForAll boolean other,
            @ForAll Form form,
            @ForAll("steps") List<Step> steps,
            @ForAll long seed) {
        Stored stored = fitting(config.head().head(), other);
        Backend backend = TestBackends.oracle();
        CompressedAttention layer = config.init(backend, RandomStream.of(0));
        Map<String, double[]> weights = drawn(layer, backend, "rounded");
        List<Tensor> inputs = inputs(backend, 1, length(steps), seed);
        double[][] rows = Rows.of(inputs.getFirst().toDoubles(), 0, length(steps), WIDTH);
        double[][] expected = new NaiveCompressedAttention(config, weights, stored::readAgain).forward(rows);
        try (KvCache cache = form.of(config.cacheLayout(), stored.storage())) {
            List<double[]> found = decoded(List.of(layer), inputs, List.of(cache), steps);
            assertClose("output", Rows.joined(expected), found.getFirst(), tolerance());
        }
    }

    @Property(tries = 40)
    void divisionsGiveTheBitsOfSingleSteps(
            @ForAll("anyCompression") CompressedAttentionConfig config,
            @ForAll boolean other,
            @ForAll Form form,
            @ForAll("steps") List<Step> steps,
            @ForAll long seed) {
        Stored stored = fitting(config.head().head(), other);
        Backend backend = TestBackends.get("scalar");
        CompressedAttention layer = config.init(backend, RandomStream.of(0));
        drawn(layer, backend, "rounded");
        List<Tensor> inputs = inputs(backend, 1, length(steps), seed);
        List<Step> single =
                inputs.getFirst().dim(1) == 0 ? List.of() : Collections.nCopies(length(steps), new Step(1, 0));
        try (KvCache cache = form.of(config.cacheLayout(), stored.storage());
                KvCache alone = form.of(config.cacheLayout(), stored.storage())) {
            assertArrayEquals(
                    decoded(List.of(layer), inputs, List.of(alone), single).getFirst(),
                    decoded(List.of(layer), inputs, List.of(cache), steps).getFirst());
        }
    }

    @Property(tries = 40)
    void sourcedLayersAgreeWithPlainLoopsThatRoundWhatTheyStore(
            @ForAll Stored stored,
            @ForAll Form form,
            @ForAll @IntRange(min = 2, max = 3) int ratio,
            @ForAll @IntRange(min = 1, max = 5) int window,
            @ForAll @IntRange(min = 1, max = 4) int chosen,
            @ForAll("steps") List<Step> steps,
            @ForAll long seed) {
        Backend backend = TestBackends.oracle();
        var pattern = new SourcePattern(
                List.of(ratio, 0, ratio, 1, 1), List.of(0, 3), List.of(0, 2, 3), -1, TopBlocks.byBest(2, 2));
        List<SourcedAttentionConfig> configs = SourcedAttentionConfig.layers(
                pattern,
                stored.head(QueryNorm.NONE),
                window,
                ROTARY,
                LatentIndexerConfig.of(8, stored.indexKey),
                chosen);
        var layers = new ArrayList<SourcedAttention>();
        var caches = new ArrayList<KvCache>();
        var expected = new ArrayList<double[]>();
        List<Tensor> inputs = inputs(backend, configs.size(), length(steps), seed);
        var naive = new NaiveSourcedAttention(stored::readAgain);
        for (SourcedAttentionConfig config : configs) {
            SourcedAttention layer = config.init(backend, RandomStream.of(0));
            Map<String, double[]> weights = drawn(layer, backend, "rounded " + layers.size());
            double[][] rows = Rows.of(inputs.get(layers.size()).toDoubles(), 0, length(steps), WIDTH);
            expected.add(Rows.joined(naive.forward(config, weights, rows)));
            caches.add(form.of(config.cacheLayout(), stored.storage()));
            layers.add(layer);
        }
        try {
            List<double[]> found = decoded(layers, inputs, caches, steps);
            for (int l = 0; l < layers.size(); l++) {
                assertClose("layer " + l, expected.get(l), found.get(l), tolerance());
            }
        } finally {
            caches.forEach(KvCache::close);
        }
    }

    /** What is read from caches is float32, and so are angles; products are not. */
    private static Tolerance tolerance() {
        return Tolerance.float32(64).times(8).withFloor(1);
    }
}
