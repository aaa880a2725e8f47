package org.filigree.attention.compressed;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

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
import org.filigree.attention.Selector;
import org.filigree.attention.SparseAttention;
import org.filigree.attention.TopK;
import org.filigree.attention.compressed.SharedHeadConfig.QueryNorm;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.op.Concat;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.GradientCheck;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TensorFunction;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCache;

class CompressedAttentionProperties {
    /**
     * Errors of differences: the step squared times a third derivative, which a norm over two channels drives to some thousands (1e-5 was
     * too far), and 1e-15 of rounding over the step.
     */
    private static final double STEP = 1e-6;

    /** Half a dozen products one after another, the longest over a few dozen channels. */
    private static Tolerance tolerance(Backend backend) {
        return Tolerance.of(backend, 64).times(8).withFloor(1);
    }

    @Provide
    Arbitrary<CompressedAttentionConfig> configs() {
        Arbitrary<SharedHeadConfig> heads = Combinators.combine(
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.integers().between(1, 2),
                        Arbitraries.integers().between(0, 3),
                        Arbitraries.integers().between(1, 2),
                        Arbitraries.integers().between(1, 5),
                        Arbitraries.of(QueryNorm.values()))
                .as((groups, perGroup, content, half, rank, norm) -> new SharedHeadConfig(
                        7, groups * perGroup, content + 2 * half, 2 * half, 5, groups, rank, norm, 1e-6));
        Arbitrary<Compression> compressions = Arbitraries.of(
                new Compression.None(),
                new Compression.Overlapping(4),
                new Compression.Overlapping(1),
                new Compression.Overlapping(3),
                new Compression.Disjoint(5),
                new Compression.Disjoint(1),
                new Compression.Unbiased(1),
                new Compression.Unbiased(2));
        Arbitrary<EntryChoice> choices =
                Arbitraries.of(new EntryChoice.Every(), scored(TopK.of(1)), scored(TopK.of(2)), scored(TopK.of(100)));
        return Combinators.combine(
                        heads,
                        compressions,
                        choices,
                        Arbitraries.integers().between(1, 6),
                        Arbitraries.of(SparseAttention.gathered(), SparseAttention.masked(), SparseAttention.cheaper()))
                .as((head, compression, choice, window, attention) -> new CompressedAttentionConfig(
                        head,
                        window,
                        new CompressedAttentionConfig.RotaryChoice(
                                new Frequencies.Plain(100), new Frequencies.Yarn(1600, 16, 4, 4, 1)),
                        compression,
                        compression.ratio() == 0 ? new EntryChoice.Every() : choice,
                        KeyValueRounding.none(),
                        attention));
    }

    private static EntryChoice scored(Selector selector) {
        return new EntryChoice.Scored(CompressedIndexerConfig.of(8, 4), selector);
    }

    @Provide
    Arbitrary<List<Integer>> divisions() {
        return Arbitraries.integers().between(1, 7).list().ofMinSize(1).ofMaxSize(6);
    }

    /** Weights that no initial value hides: norms, biases and sinks are drawn too. */
    private static CompressedAttention layer(CompressedAttentionConfig config, Backend backend) {
        CompressedAttention layer = config.init(backend, RandomStream.of(0));
        RandomStream random = Seed.of("compressed attention");
        layer.parameters().forEach((path, parameter) -> {
            Sample drawn = Sample.gaussian(path, random, parameter.shape().toArray());
            double spread = path.endsWith("norm.weight") ? 0.2 : path.matches(".*(ape|sink)") ? 1 : 0.5;
            double mean = path.endsWith("norm.weight") ? 1 : 0;
            parameter.assign(drawn.map(v -> mean + spread * v).on(backend));
        });
        return layer;
    }

    private static Sample tokens(int batch, int tokens, int width, long seed) {
        return Sample.gaussian("x", RandomStream.of(seed), batch, tokens, width);
    }

    private static Map<String, double[]> weights(CompressedAttention layer) {
        Map<String, double[]> weights = new LinkedHashMap<>();
        layer.parameters()
                .forEach(
                        (path, parameter) -> weights.put(path, parameter.value().toDoubles()));
        return weights;
    }

    private static double[] naive(CompressedAttentionConfig config, Map<String, double[]> weights, double[] x) {
        int width = config.head().width();
        return Rows.joined(
                new NaiveCompressedAttention(config, weights).forward(Rows.of(x, 0, x.length / width, width)));
    }

    @Property(tries = 100)
    void agreesWithPlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") CompressedAttentionConfig config,
            @ForAll @IntRange(min = 1, max = 19) int length,
            @ForAll long seed) {
        CompressedAttention layer = layer(config, backend);
        Sample x = tokens(1, length, 7, seed);
        assertClose(
                "output",
                naive(config, weights(layer), x.values()),
                layer.forward(x.on(backend), Context.inference()),
                tolerance(backend));
    }

    /** Every third weight is moved, and every third number of x; a choice that the step would flip is avoided by choosing all. */
    @Property(tries = 30)
    void gradientsAgreeWithDifferencesOfPlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") CompressedAttentionConfig some,
            @ForAll @IntRange(min = 1, max = 11) int length,
            @ForAll long seed) {
        CompressedAttentionConfig config = some.withCompression(some.compression(), new EntryChoice.Every());
        CompressedAttention layer = layer(config, backend);
        Sample x = tokens(1, length, 7, seed);
        Tensor leaf = Autograd.leaf(x.on(backend));
        Tensor y = layer.forward(leaf, Context.training());
        Sample upstream =
                Sample.gaussian("upstream", Seed.of("upstream"), y.shape().toArray());
        Gradients gradients = Autograd.backward(y, upstream.on(backend));
        Map<String, double[]> weights = weights(layer);
        weights.put("x", x.values());
        Tolerance tolerance = tolerance(backend).times(8).or(new Tolerance(1e-7, 1));
        weights.forEach((name, values) -> {
            Tensor of = name.equals("x") ? leaf : layer.parameters().get(name).value();
            // No run may be complete yet, and then nothing depends on the compressor.
            double[] found = gradients.find(of).map(Tensor::toDoubles).orElseGet(() -> new double[values.length]);
            for (int i = 0; i < values.length; i += 3) {
                double kept = values[i];
                values[i] = kept + STEP;
                double above = product(naive(config, weights, weights.get("x")), upstream.values());
                values[i] = kept - STEP;
                double below = product(naive(config, weights, weights.get("x")), upstream.values());
                values[i] = kept;
                assertClose(
                        "d " + name + " " + i,
                        new double[] {(above - below) / (2 * STEP)},
                        new double[] {found[i]},
                        tolerance);
            }
        });
    }

    private static double product(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    @Property(tries = 100)
    void anyDivisionThroughCachesGivesTheSame(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") CompressedAttentionConfig config,
            @ForAll("divisions") List<Integer> chunks,
            @ForAll @IntRange(min = 1, max = 2) int batch,
            @ForAll boolean sliding,
            @ForAll long seed) {
        int length = chunks.stream().mapToInt(Integer::intValue).sum();
        CompressedAttention layer = layer(config, backend);
        Tensor x = tokens(batch, length, 7, seed).on(backend);
        Tensor whole = layer.forward(x, Context.inference());
        var caches = new ArrayList<KvCache>();
        for (int b = 0; b < batch; b++) {
            CacheLayout layout = config.cacheLayout();
            caches.add(sliding ? layout.initSliding(length, 0) : layout.init(length));
        }
        try {
            Context context = Context.inference().with(CacheBatch.KEY, new CacheBatch(caches));
            int start = 0;
            for (int chunk : chunks) {
                Tensor part = layer.forward(Slice.slice(x, 1, start, start + chunk), context.at(start));
                // Cached rows are float32 on every backend.
                assertClose(
                        "tokens from " + start,
                        Slice.slice(whole, 1, start, start + chunk),
                        part,
                        tolerance(TestBackends.get("scalar")));
                start += chunk;
            }
        } finally {
            caches.forEach(KvCache::close);
        }
    }

    @Property(tries = 50)
    void takingTokensBackAndGoingOnIsAsIfTheyHadNeverBeen(
            @ForAll("configs") CompressedAttentionConfig config,
            @ForAll @IntRange(min = 0, max = 9) int kept,
            @ForAll @IntRange(min = 1, max = 9) int rejected,
            @ForAll @IntRange(min = 1, max = 6) int more,
            @ForAll boolean sliding,
            @ForAll long seed) {
        Backend backend = TestBackends.get("vector");
        CompressedAttention layer = layer(config, backend);
        Tensor x = tokens(1, kept + more, 7, seed).on(backend);
        CacheLayout layout = config.cacheLayout();
        try (KvCache cache = sliding ? layout.initSliding(20, rejected) : layout.init(20)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            layer.forward(Slice.slice(x, 1, 0, kept), context);
            layer.forward(tokens(1, rejected, 7, seed + 1).on(backend), context);
            cache.truncate(kept);
            Tensor rest = layer.forward(Slice.slice(x, 1, kept, kept + more), context);
            Tensor whole = layer.forward(x, Context.inference());
            assertClose("rest", Slice.slice(whole, 1, kept, kept + more), rest, tolerance(backend));
        }
    }

    @Property(tries = 30)
    void sequencesOfDifferentLengthDecodeSideBySide(
            @ForAll("configs") CompressedAttentionConfig config,
            @ForAll @IntRange(min = 0, max = 9) int first,
            @ForAll @IntRange(min = 0, max = 9) int second,
            @ForAll long seed) {
        Backend backend = TestBackends.get("scalar");
        CompressedAttention layer = layer(config, backend);
        Tensor a = tokens(1, first + 1, 7, seed).on(backend);
        Tensor b = tokens(1, second + 1, 7, seed + 1).on(backend);
        try (KvCache ca = config.cacheLayout().init(10);
                KvCache cb = config.cacheLayout().init(10)) {
            Context inference = Context.inference();
            layer.forward(Slice.slice(a, 1, 0, first), inference.with(CacheBatch.KEY, CacheBatch.of(ca)));
            layer.forward(Slice.slice(b, 1, 0, second), inference.with(CacheBatch.KEY, CacheBatch.of(cb)));
            Tensor last = Concat.concat(0, Slice.slice(a, 1, first, first + 1), Slice.slice(b, 1, second, second + 1));
            Tensor step = layer.forward(last, inference.with(CacheBatch.KEY, CacheBatch.of(ca, cb)));
            Tensor wholeA = layer.forward(a, inference);
            Tensor wholeB = layer.forward(b, inference);
            assertClose("a", Slice.slice(wholeA, 1, first, first + 1), Slice.slice(step, 0, 0, 1), tolerance(backend));
            assertClose(
                    "b", Slice.slice(wholeB, 1, second, second + 1), Slice.slice(step, 0, 1, 2), tolerance(backend));
        }
    }

    @Property(tries = 50)
    void theFutureDoesNotChangeThePast(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") CompressedAttentionConfig config,
            @ForAll @IntRange(min = 2, max = 17) int length,
            @ForAll @IntRange(min = 1, max = 16) int change,
            @ForAll long seed) {
        int kept = Math.min(change, length - 1);
        CompressedAttention layer = layer(config, backend);
        Sample x = tokens(1, length, 7, seed);
        double[] values = x.values().clone();
        for (int i = kept * 7; i < values.length; i++) {
            values[i] = -3 * values[i] + 1;
        }
        Tensor before = layer.forward(x.on(backend), Context.inference());
        Tensor after = layer.forward(backend.tensors().doubles(x.shape(), values), Context.inference());
        assertClose("past", Slice.slice(before, 1, 0, kept), Slice.slice(after, 1, 0, kept), tolerance(backend));
    }

    /** Gradients of the whole layer against central differences of itself, the scorer's choice included. */
    @Property(tries = 10)
    void gradientsOfInputs(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") CompressedAttentionConfig config,
            @ForAll @IntRange(min = 1, max = 9) int length,
            @ForAll long seed) {
        Map<String, CompressedAttention> layers = new LinkedHashMap<>();
        TensorFunction.Single function = inputs -> layers.computeIfAbsent(
                        Backend.of(inputs.getFirst()).name(), name -> layer(config, TestBackends.get(name)))
                .forward(inputs.getFirst(), Context.training());
        GradientCheck.check(
                backend, List.of(tokens(1, length, 7, seed)), tolerance(backend).times(8), TensorFunction.of(function));
    }

    @Property(tries = 20)
    void sameSeedSameBits(@ForAll("configs") CompressedAttentionConfig config, @ForAll long seed) {
        Backend backend = TestBackends.get("vector");
        Tensor x = tokens(2, 11, 7, seed).on(backend);
        float[] once = layer(config, backend).forward(x, Context.inference()).toFloats();
        float[] again = layer(config, backend).forward(x, Context.inference()).toFloats();
        assertArrayEquals(once, again);
    }
}
