package org.filigree.attention.compressed;

import static org.filigree.core.testkit.Compare.assertClose;

import java.util.ArrayList;
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
import org.filigree.attention.compressed.SharedHeadConfig.QueryNorm;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.op.Concat;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.SequenceCache;

class SourcedAttentionProperties {
    private static final int WIDTH = 7;

    private static Tolerance tolerance(Backend backend) {
        return Tolerance.of(backend, 64).times(8).withFloor(1);
    }

    /** Who reads whom; r is 2 or more. */
    private enum Topology {
        /** Layers without compression between, candidates from the first layer of ratio 1. */
        TWO_RATIOS {
            @Override
            SourcePattern of(int r, boolean restricted, TopBlocks blocks) {
                return new SourcePattern(
                        List.of(r, 0, r, 1, 0, 1, 1), List.of(0, 3), List.of(0, 2, 3, 5), restricted ? 3 : -1, blocks);
            }
        },
        /** Layers 2 and 4 make entries and leave index keys and choices in place: 3 scores keys of 0 and reads entries of 2. */
        ENTRIES_ALONE {
            @Override
            SourcePattern of(int r, boolean restricted, TopBlocks blocks) {
                return new SourcePattern(
                        List.of(r, r, r, r, r, r), List.of(0, 2, 4), List.of(0, 3), restricted ? 0 : -1, blocks);
            }
        },
        /** Layers of ratio r read entries and score keys of ratio 1, the first of them; one of ratio 1 takes a choice of ratio r. */
        FEWER_THAN_THERE_ARE {
            @Override
            SourcePattern of(int r, boolean restricted, TopBlocks blocks) {
                return new SourcePattern(
                        List.of(1, r, 1, r, 0, r, r), List.of(0, 3), List.of(0, 1, 5), restricted ? 1 : -1, blocks);
            }
        },
        /** Candidates among index keys of ratio 1 are read by a layer whose keys are of ratio r, and so fewer. */
        CANDIDATES_OF_MORE_KEYS {
            @Override
            SourcePattern of(int r, boolean restricted, TopBlocks blocks) {
                return new SourcePattern(
                        List.of(1, r, r, r), List.of(0, 2), List.of(0, 1, 2), restricted ? 1 : -1, blocks);
            }
        },
        /** Three ratios over the entries of one layer; layer 2 is called a source but compresses nothing. */
        A_SOURCE_WITHOUT_COMPRESSION {
            @Override
            SourcePattern of(int r, boolean restricted, TopBlocks blocks) {
                return new SourcePattern(
                        List.of(1, r, 0, 2 * r, 1, r, 2 * r),
                        List.of(2, 0),
                        List.of(0, 1, 2, 3),
                        restricted ? 3 : -1,
                        blocks);
            }
        };

        abstract SourcePattern of(int r, boolean restricted, TopBlocks blocks);
    }

    @Provide
    Arbitrary<List<SourcedAttentionConfig>> models() {
        Arbitrary<SourcePattern> patterns = Combinators.combine(
                        Arbitraries.of(Topology.values()),
                        Arbitraries.of(true, false),
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.integers().between(1, 4),
                        Arbitraries.integers().between(2, 4))
                .as((topology, restricted, blocks, width, ratio) ->
                        topology.of(ratio, restricted, TopBlocks.byBest(blocks, width)));
        return Combinators.combine(
                        patterns,
                        Arbitraries.integers().between(1, 5),
                        Arbitraries.integers().between(1, 6),
                        Arbitraries.integers().between(0, 3))
                .as((pattern, window, chosen, content) -> SourcedAttentionConfig.layers(
                        pattern,
                        new SharedHeadConfig(WIDTH, 2, content + 2, 2, 3, 1, 3, QueryNorm.NONE, 1e-20),
                        window,
                        new CompressedAttentionConfig.RotaryChoice(
                                new Frequencies.Plain(100), new Frequencies.Yarn(1600, 16, 4, 4, 1)),
                        LatentIndexerConfig.of(8, 5),
                        chosen));
    }

    @Provide
    Arbitrary<List<Integer>> divisions() {
        return Arbitraries.integers().between(1, 6).list().ofMinSize(1).ofMaxSize(5);
    }

    private static List<SourcedAttention> layers(List<SourcedAttentionConfig> configs, Backend backend) {
        RandomStream random = Seed.of("sourced attention");
        var layers = new ArrayList<SourcedAttention>();
        for (SourcedAttentionConfig config : configs) {
            SourcedAttention layer = config.init(backend, RandomStream.of(0));
            layer.parameters().forEach((path, parameter) -> {
                Sample drawn = Sample.gaussian(
                        config.links().layer() + path, random, parameter.shape().toArray());
                double spread = path.endsWith("norm.weight") ? 0.2 : path.endsWith("sink") ? 1 : 0.5;
                double mean = path.endsWith("norm.weight") ? 1 : 0;
                parameter.assign(drawn.map(v -> mean + spread * v).on(backend));
            });
            layers.add(layer);
        }
        return layers;
    }

    /** Each layer gets activations of its own, so that a wrong layer cannot hide behind the next. */
    private static List<Sample> inputs(List<SourcedAttentionConfig> configs, int batch, int tokens, long seed) {
        var inputs = new ArrayList<Sample>();
        for (int l = 0; l < configs.size(); l++) {
            inputs.add(Sample.gaussian("x" + l, RandomStream.of(seed), batch, tokens, WIDTH));
        }
        return inputs;
    }

    /** All layers' outputs, one behind the other along the last axis. */
    private static Tensor forward(List<SourcedAttention> layers, List<Tensor> inputs, Context context) {
        Context pass = context.with(Sources.KEY, new Sources());
        var outputs = new ArrayList<Tensor>();
        for (int l = 0; l < layers.size(); l++) {
            outputs.add(layers.get(l).forward(inputs.get(l), pass));
        }
        return Concat.concat(-1, outputs);
    }

    private static Tensor throughCaches(
            List<SourcedAttention> layers, List<Tensor> inputs, List<SequenceCache> sequences) {
        var sources = new Sources();
        var outputs = new ArrayList<Tensor>();
        for (int l = 0; l < layers.size(); l++) {
            Context pass =
                    Context.inference().with(Sources.KEY, sources).with(CacheBatch.KEY, CacheBatch.layer(sequences, l));
            outputs.add(layers.get(l).forward(inputs.get(l), pass));
        }
        return Concat.concat(-1, outputs);
    }

    private static SequenceCache caches(List<SourcedAttentionConfig> configs, int capacity) {
        return new SequenceCache(configs.stream()
                .map(config -> config.cacheLayout().init(capacity))
                .toList());
    }

    private static List<Tensor> parts(List<Tensor> inputs, int axis, int from, int to) {
        return inputs.stream().map(x -> Slice.slice(x, axis, from, to)).toList();
    }

    private static List<Tensor> on(Backend backend, List<Sample> inputs) {
        return inputs.stream().map(sample -> sample.on(backend)).toList();
    }

    @Property(tries = 60)
    void agreesWithPlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("models") List<SourcedAttentionConfig> configs,
            @ForAll @IntRange(min = 1, max = 17) int length,
            @ForAll long seed) {
        List<SourcedAttention> layers = layers(configs, backend);
        List<Sample> inputs = inputs(configs, 1, length, seed);
        var naive = new NaiveSourcedAttention();
        Tensor found = forward(layers, on(backend, inputs), Context.inference());
        for (int l = 0; l < layers.size(); l++) {
            Map<String, double[]> weights = new LinkedHashMap<>();
            layers.get(l)
                    .parameters()
                    .forEach((path, parameter) ->
                            weights.put(path, parameter.value().toDoubles()));
            double[][] rows =
                    naive.forward(configs.get(l), weights, Rows.of(inputs.get(l).values(), 0, length, WIDTH));
            assertClose(
                    "layer " + l,
                    Rows.joined(rows),
                    Slice.slice(found, 2, l * WIDTH, (l + 1) * WIDTH),
                    tolerance(backend));
        }
    }

    /**
     * The released program scores keys of another layer in steps that complete no run. Here every source reads its own: with few
     * chosen entries a difference would show at once.
     */
    @Property(tries = 60)
    void anyDivisionThroughCachesGivesTheSame(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("models") List<SourcedAttentionConfig> configs,
            @ForAll("divisions") List<Integer> chunks,
            @ForAll @IntRange(min = 1, max = 2) int batch,
            @ForAll long seed) {
        int length = chunks.stream().mapToInt(Integer::intValue).sum();
        List<SourcedAttention> layers = layers(configs, backend);
        List<Tensor> inputs = on(backend, inputs(configs, batch, length, seed));
        Tensor whole = forward(layers, inputs, Context.inference());
        var sequences = new ArrayList<SequenceCache>();
        for (int b = 0; b < batch; b++) {
            sequences.add(caches(configs, length));
        }
        try {
            int start = 0;
            for (int chunk : chunks) {
                Tensor part = throughCaches(layers, parts(inputs, 1, start, start + chunk), sequences);
                // Cached rows are float32 on every backend.
                assertClose(
                        "tokens from " + start,
                        Slice.slice(whole, 1, start, start + chunk),
                        part,
                        tolerance(TestBackends.get("scalar")));
                start += chunk;
            }
        } finally {
            sequences.forEach(SequenceCache::close);
        }
    }

    @Property(tries = 30)
    void raggedSequencesGoOnAfterTakingTokensBack(
            @ForAll("models") List<SourcedAttentionConfig> configs,
            @ForAll @IntRange(min = 0, max = 7) int first,
            @ForAll @IntRange(min = 0, max = 7) int second,
            @ForAll @IntRange(min = 1, max = 5) int rejected,
            @ForAll long seed) {
        Backend backend = TestBackends.get("vector");
        List<SourcedAttention> layers = layers(configs, backend);
        List<Tensor> a = on(backend, inputs(configs, 1, first + 2, seed));
        List<Tensor> b = on(backend, inputs(configs, 1, second + 2, seed + 1));
        List<Tensor> draft = on(backend, inputs(configs, 1, rejected, seed + 2));
        try (SequenceCache ca = caches(configs, 20);
                SequenceCache cb = caches(configs, 20)) {
            throughCaches(layers, parts(a, 1, 0, first), List.of(ca));
            throughCaches(layers, draft, List.of(ca));
            ca.truncate(first);
            throughCaches(layers, parts(b, 1, 0, second), List.of(cb));
            var both = new ArrayList<Tensor>();
            for (int l = 0; l < layers.size(); l++) {
                both.add(Concat.concat(
                        0, Slice.slice(a.get(l), 1, first, first + 2), Slice.slice(b.get(l), 1, second, second + 2)));
            }
            Tensor step = throughCaches(layers, both, List.of(ca, cb));
            Tensor wholeA = forward(layers, a, Context.inference());
            Tensor wholeB = forward(layers, b, Context.inference());
            assertClose("a", Slice.slice(wholeA, 1, first, first + 2), Slice.slice(step, 0, 0, 1), tolerance(backend));
            assertClose(
                    "b", Slice.slice(wholeB, 1, second, second + 2), Slice.slice(step, 0, 1, 2), tolerance(backend));
        }
    }
}
