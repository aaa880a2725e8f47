package org.filigree.attention.compressed;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.attention.Attended;
import org.filigree.attention.AttentionInput;
import org.filigree.attention.IndexScores;
import org.filigree.attention.Rounding;
import org.filigree.attention.ScoreListener;
import org.filigree.attention.SparseAttention;
import org.filigree.attention.TopK;
import org.filigree.attention.compressed.CompressedAttentionConfig.RotaryChoice;
import org.filigree.attention.compressed.SharedHeadConfig.QueryNorm;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.BFloat16;
import org.filigree.core.io.Fp8Activation;
import org.filigree.core.io.ScaleRounding;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.nn.Parameter;
import org.filigree.core.op.Concat;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCache;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

/** Mistakes that other implementations of these layers made, one test each; DESIGN.md lists them. */
class KnownTrapsTest {
    private static final Frequencies PLAIN = new Frequencies.Plain(100);
    private static final Frequencies YARN = new Frequencies.Yarn(1600, 16, 4, 4, 1);
    private static final int WIDTH = 6;

    private final Backend scalar = TestBackends.get("scalar");

    private static CompressedAttentionConfig config(int ratio, Frequencies windowOnly, Frequencies compressed) {
        return new CompressedAttentionConfig(
                        new SharedHeadConfig(WIDTH, 4, 8, 4, 5, 2, 3, QueryNorm.PER_HEAD, 1e-6),
                        3,
                        new RotaryChoice(windowOnly, compressed),
                        new Compression.Overlapping(4),
                        new EntryChoice.Scored(CompressedIndexerConfig.of(8, 4), TopK.of(2)),
                        KeyValueRounding.none(),
                        SparseAttention.masked())
                .withRatio(ratio);
    }

    private static CompressedAttention layer(CompressedAttentionConfig config, Backend backend) {
        CompressedAttention layer = config.init(backend, RandomStream.of(0));
        RandomStream random = Seed.of("known traps");
        layer.parameters()
                .forEach((path, parameter) -> parameter.assign(
                        Sample.gaussian(path, random, parameter.shape().toArray())
                                .map(v -> path.endsWith("norm.weight") ? 1 + 0.2 * v : 0.6 * v)
                                .on(backend)));
        return layer;
    }

    private static Tensor tokens(Backend backend, int count, int seed) {
        return Sample.gaussian("x", RandomStream.of(seed), 1, count, WIDTH).on(backend);
    }

    private static Tensor last(Tensor y) {
        return Slice.slice(y, 1, y.dim(1) - 1, y.dim(1));
    }

    private static double distance(Tensor a, Tensor b) {
        double[] x = a.toDoubles();
        double[] y = b.toDoubles();
        double most = 0;
        for (int i = 0; i < x.length; i++) {
            most = Math.max(most, Math.abs(x[i] - y[i]));
        }
        return most;
    }

    private static Tolerance tolerance(Backend backend) {
        return Tolerance.of(backend, 32).times(8).withFloor(1);
    }

    /** Scores are those without the transform; that a cache holds transformed keys shows that neither side has left it out. */
    @Test
    void trap2TheHadamardTransformIsOnQueriesAndKeys() {
        CompressedAttention layer = layer(config(4, PLAIN, YARN), scalar);
        var weights = new LinkedHashMap<String, double[]>();
        layer.parameters()
                .forEach(
                        (path, parameter) -> weights.put(path, parameter.value().toDoubles()));
        SharedHeadConfig sizes = layer.config().head();
        var naive = new NaiveSharedHead(sizes, 3, YARN.of(sizes.rotary()), weights);
        Sample sample = Sample.gaussian("x", RandomStream.of(5), 1, 13, WIDTH);
        double[][] x = Rows.of(sample.values(), 0, 13, WIDTH);
        double[][] plain = naive.latents("indexer.compressor.", layer.config().compression(), x);
        for (int w = 0; w < plain.length; w++) {
            plain[w] = naive.turned(plain[w], 4 * w, 1);
        }
        var heard = new ArrayList<Tensor>();
        layer.forward(sample.on(scalar), Context.training().with(ScoreListener.KEY, told -> heard.add(told.scores())));
        for (int t = 0; t < 13; t++) {
            double[] expected = naive.scores(
                    x[t],
                    naive.queryLatent(x[t]),
                    t,
                    new NaiveSharedHead.Asking(8, 4, NaiveSharedHead.Transform.NONE),
                    List.of(plain));
            assertClose("scores of " + t, expected, Slice.slice(heard.getFirst(), 1, t, t + 1), tolerance(scalar));
        }
        try (KvCache cache = layer.config().cacheLayout().init(13)) {
            layer.forward(sample.on(scalar), Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache)));
            Tensor kept = cache.view(CompressedAttention.SCORER_KEYS, scalar);
            for (int w = 0; w < plain.length; w++) {
                Tensor row = Slice.slice(kept, 0, w, w + 1);
                assertClose("key " + w, NaiveProducts.hadamard(plain[w]), row, tolerance(scalar));
                assertTrue(distance(row, scalar.tensors().doubles(row.shape(), plain[w])) > 1e-3);
            }
        }
    }

    @ParameterizedTest
    @EveryBackend
    void trap3LayersWithoutCompressionKnowNoYarn(Backend backend) {
        Tensor x = tokens(backend, 7, 1);
        Tensor one = layer(config(0, PLAIN, YARN), backend).forward(x, Context.inference());
        Tensor other =
                layer(config(0, PLAIN, new Frequencies.Plain(7)), backend).forward(x, Context.inference());
        assertArrayEquals(one.toDoubles(), other.toDoubles());
        RotaryChoice released = CompressedAttentionConfig.deepSeekV4Flash().rotary();
        assertEquals(new Frequencies.Plain(10000), released.of(Compression.ofRatio(0)));
        assertEquals(new Frequencies.Yarn(160000, 65536, 16, 32, 1), released.of(Compression.ofRatio(128)));
    }

    /** Below the first complete run nothing but queries and window can tell. */
    @ParameterizedTest
    @EveryBackend
    void trap4QueriesAndWindowOfCompressedLayersTurnWithTheCompressedFrequencies(Backend backend) {
        Tensor x = tokens(backend, 3, 2);
        Tensor compressed = layer(config(4, PLAIN, YARN), backend).forward(x, Context.inference());
        Tensor window = layer(config(0, YARN, PLAIN), backend).forward(x, Context.inference());
        assertClose("output", window, compressed, tolerance(backend));
        Tensor wrong = layer(config(4, PLAIN, PLAIN), backend).forward(x, Context.inference());
        assertTrue(distance(wrong, compressed) > 1e-3);
    }

    @Test
    void trap5AnEntryIsRotatedToTheFirstTokenOfItsRun() {
        CompressedAttention layer = layer(config(3, PLAIN, YARN), scalar);
        Map<String, double[]> weights = new LinkedHashMap<>();
        layer.parameters()
                .forEach(
                        (path, parameter) -> weights.put(path, parameter.value().toDoubles()));
        SharedHeadConfig sizes = layer.config().head();
        var naive = new NaiveSharedHead(sizes, 3, YARN.of(sizes.rotary()), weights);
        Sample sample = Sample.gaussian("x", RandomStream.of(3), 1, 11, WIDTH);
        try (KvCache cache = layer.config().cacheLayout().init(11)) {
            layer.forward(sample.on(scalar), Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache)));
            double[][] latents =
                    naive.latents("compressor.", layer.config().compression(), Rows.of(sample.values(), 0, 11, WIDTH));
            assertEquals(3, latents.length);
            Tensor kept = cache.view(CompressedAttention.ENTRIES, scalar);
            for (int w = 0; w < 3; w++) {
                Tensor row = Slice.slice(kept, 0, w, w + 1);
                assertClose("entry " + w, naive.turned(latents[w], 3 * w, 1), row, tolerance(scalar));
                double[] atTheEnd = naive.turned(latents[w], 3 * w + 2, 1);
                assertTrue(distance(row, scalar.tensors().doubles(row.shape(), atTheEnd)) > 1e-3);
            }
        }
    }

    /** At position 0 no angle is left; any factor on logits that came with YaRN would show, since the sink has none. */
    @ParameterizedTest
    @EveryBackend
    void trap6YarnScalesNoLogits(Backend backend) {
        Tensor x = tokens(backend, 1, 4);
        Tensor four = layer(config(4, PLAIN, YARN), backend).forward(x, Context.inference());
        Tensor forty = layer(config(4, PLAIN, new Frequencies.Yarn(1600, 16, 40, 4, 1)), backend)
                .forward(x, Context.inference());
        assertArrayEquals(four.toDoubles(), forty.toDoubles());
    }

    /** With its values turned back, attention over a window depends on distances alone. */
    @ParameterizedTest
    @EveryBackend
    void trap7ValuesAreTurnedBackSoThatOnlyDistancesMatter(Backend backend) {
        CompressedAttention layer = layer(config(0, PLAIN, YARN), backend);
        Tensor seen = tokens(backend, 3, 6);
        Tensor early = last(layer.forward(seen, Context.inference()));
        Tensor late = last(layer.forward(Concat.concat(1, tokens(backend, 29, 7), seen), Context.inference()));
        // Angles are float32 everywhere.
        assertClose("output", early, late, Tolerance.float32(32).times(16).withFloor(1));
    }

    @ParameterizedTest
    @EveryBackend
    void trap11DecodingKeepsBothHalvesOfThePreviousRun(Backend backend) {
        CompressedAttention layer = layer(config(4, PLAIN, YARN), backend);
        Tensor x = tokens(backend, 18, 8);
        Tensor whole = layer.forward(x, Context.inference());
        try (KvCache cache = layer.config().cacheLayout().initSliding(18, 0)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            for (int t = 0; t < 18; t++) {
                Tensor step = layer.forward(Slice.slice(x, 1, t, t + 1), context);
                assertClose(
                        "token " + t,
                        Slice.slice(whole, 1, t, t + 1),
                        step,
                        Tolerance.float32(32).times(8).withFloor(1));
            }
        }
    }

    /** A prompt shorter than a run, in a cache that held another sequence. */
    @Test
    void trap11NothingOfAnEarlierSequenceIsLeft() {
        CompressedAttention layer = layer(config(4, PLAIN, YARN), scalar);
        Tensor x = tokens(scalar, 9, 9);
        try (KvCache cache = layer.config().cacheLayout().init(20)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            layer.forward(tokens(scalar, 11, 10), context);
            cache.truncate(0);
            Tensor prompt = layer.forward(Slice.slice(x, 1, 0, 2), context);
            Tensor rest = layer.forward(Slice.slice(x, 1, 2, 9), context);
            assertClose(
                    "output", layer.forward(x, Context.inference()), Concat.concat(1, prompt, rest), tolerance(scalar));
        }
    }

    /** Two of seven entries are chosen: without the first turn's index keys the second turn would choose others. */
    @Test
    void trap12ASecondTurnFindsTheIndexKeysOfTheFirst() {
        CompressedAttention layer = layer(config(4, PLAIN, YARN), scalar);
        assertTrue(layer.config().cacheLayout().entries().stream()
                .anyMatch(part -> part.name().equals(CompressedAttention.SCORER_KEYS)));
        Tensor x = tokens(scalar, 29, 11);
        try (KvCache cache = layer.config().cacheLayout().init(29)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            layer.forward(Slice.slice(x, 1, 0, 22), context);
            Tensor second = layer.forward(Slice.slice(x, 1, 22, 29), context);
            Tensor whole = layer.forward(x, Context.inference());
            assertClose("second turn", Slice.slice(whole, 1, 22, 29), second, tolerance(scalar));
        }
    }

    /** Two heads of opposite products: cut off after the sum, nothing would be left. */
    @ParameterizedTest
    @EveryBackend
    void trap14TheReluIsInsideTheSumOverHeads(Backend backend) {
        Tensor q = backend.tensors().floats(Shape.of(1, 1, 2, 1), new float[] {2, -3});
        Tensor w = backend.tensors().floats(Shape.of(1, 1, 2), new float[] {1, 5});
        Tensor k = backend.tensors().floats(Shape.of(1, 2, 1), new float[] {1, -1});
        assertArrayEquals(new double[] {2, 15}, IndexScores.of(q, w, k).toDoubles());
    }

    @Test
    void trap20QueriesOfV41AreNotNormalisedByHead() {
        for (QueryNorm norm : QueryNorm.values()) {
            var sizes = new SharedHeadConfig(WIDTH, 4, 8, 4, 5, 2, 3, norm, 1e-20);
            CompressedAttention layer = layer(config(0, PLAIN, YARN).withHead(sizes), scalar);
            Tensor x = tokens(scalar, 5, 12);
            Tensor before = layer.forward(x, Context.inference());
            Parameter queries = layer.parameters().get("wq_b.weight");
            double[] doubled =
                    Arrays.stream(queries.value().toDoubles()).map(v -> 2 * v).toArray();
            queries.assign(scalar.tensors().doubles(queries.shape(), doubled));
            double change = distance(before, layer.forward(x, Context.inference()));
            if (norm == QueryNorm.PER_HEAD) {
                assertEquals(0, change, 1e-6);
            } else {
                assertTrue(change > 1e-3, "a doubled query must show");
            }
        }
        assertEquals(
                QueryNorm.NONE,
                SourcedAttentionConfig.deepSeekV41Flash().getFirst().head().queryNorm());
    }

    /** Every value is rescaled, however small its vector: an epsilon of 1e-6 would shrink these by a thousand. */
    @Test
    void trap21TheEpsilonOfV41IsTooSmallToMatter() {
        SharedHeadConfig released =
                SourcedAttentionConfig.deepSeekV41Flash().getFirst().head();
        assertEquals(1e-20, released.normEps());
        var sizes = new SharedHeadConfig(WIDTH, 4, 8, 4, 5, 2, 3, released.queryNorm(), released.normEps());
        CompressedAttention layer = layer(config(0, PLAIN, YARN).withHead(sizes), scalar);
        Tensor x = tokens(scalar, 5, 12);
        double[] small =
                Arrays.stream(x.toDoubles()).map(v -> Math.scalb(v, -20)).toArray();
        assertClose(
                "output",
                layer.forward(x, Context.inference()),
                layer.forward(scalar.tensors().doubles(x.shape(), small), Context.inference()),
                tolerance(scalar));
    }

    /**
     * The released program rounds products, weighted products and sums to bfloat16, so that scores collide; here they rank in float32. What
     * either chooses is compared by overlap.
     */
    @ParameterizedTest
    @EveryBackend
    void trap22ScoresRoundedToBFloat16ChooseAlmostTheSame(Backend backend) {
        int heads = 64;
        int dim = 128;
        int keys = 2048;
        int chosen = 512;
        RandomStream random = RandomStream.of(22);
        Tensor q = Sample.gaussian("q", random.fork("q"), 1, 1, heads, dim).on(backend);
        Tensor w = Sample.gaussian("w", random.fork("w"), 1, 1, heads).on(backend);
        Tensor k = Sample.gaussian("k", random.fork("k"), 1, keys, dim).on(backend);
        float[] rounded = scoresInBFloat16(q.toFloats(), w.toFloats(), k.toFloats(), dim);
        assertTrue(Arrays.stream(boxed(rounded)).distinct().count() < keys * 3 / 4, "scores collide");
        int[] narrow = choice(backend.tensors().floats(Shape.of(1, 1, keys), rounded), chosen);
        int[] wide = choice(IndexScores.of(q, w, k), chosen);
        long common = Arrays.stream(wide)
                .filter(key -> Arrays.stream(narrow).anyMatch(other -> other == key))
                .count();
        assertTrue(common >= 0.98 * chosen, common + " of " + chosen + " in common");
        assertFalse(Arrays.equals(wide, narrow), "an order that rounding does not change needs no overlap");
    }

    private static int[] choice(Tensor scores, int chosen) {
        return TopK.of(chosen).select(scores, query -> scores.dim(2)).toInts();
    }

    private static float[] scoresInBFloat16(float[] q, float[] w, float[] k, int dim) {
        float[] scores = new float[k.length / dim];
        for (int j = 0; j < scores.length; j++) {
            float sum = 0;
            for (int h = 0; h < w.length; h++) {
                float product = 0;
                for (int i = 0; i < dim; i++) {
                    product += q[h * dim + i] * k[j * dim + i];
                }
                sum += BFloat16.round(Math.max(0, BFloat16.round(product)) * w[h]);
            }
            scores[j] = BFloat16.round(sum);
        }
        return scores;
    }

    private static Float[] boxed(float[] values) {
        var boxed = new Float[values.length];
        Arrays.setAll(boxed, i -> values[i]);
        return boxed;
    }

    /** An early snapshot of the released program scaled and cut off, but never rounded to E4M3. */
    @Test
    void trap23SimulatedCachesRoundToTheirFormat() {
        var sizes = new SharedHeadConfig(WIDTH, 4, 68, 4, 5, 2, 3, QueryNorm.PER_HEAD, 1e-6);
        CompressedAttentionConfig exact = config(0, PLAIN, YARN).withHead(sizes);
        Tensor x = tokens(scalar, 3, 13);
        float[] before = windowKeys(layer(exact, scalar), x);
        float[] after = windowKeys(layer(exact.withRounding(KeyValueRounding.deepSeekV4()), scalar), x);
        for (int row = 0; row < 3; row++) {
            float[] content = Arrays.copyOfRange(before, row * 68, row * 68 + 64);
            float[] stored = Fp8Activation.quantise(content, 64, ScaleRounding.CEIL_POWER_OF_TWO)
                    .dequantise();
            assertArrayEquals(stored, Arrays.copyOfRange(after, row * 68, row * 68 + 64));
            assertFalse(Arrays.equals(content, stored), "nothing was rounded");
            assertArrayEquals(
                    Arrays.copyOfRange(before, row * 68 + 64, row * 68 + 68),
                    Arrays.copyOfRange(after, row * 68 + 64, row * 68 + 68));
        }
        assertEquals(16f, rounded(17, 448), "E4M3 has no 17");
    }

    private static float[] windowKeys(CompressedAttention layer, Tensor x) {
        try (KvCache cache = layer.config().cacheLayout().init(x.dim(1))) {
            layer.forward(x, Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache)));
            return cache.view(CompressedAttention.WINDOW, Backend.of(x)).toFloats();
        }
    }

    /** What becomes of a value beside one that makes the scale 1. */
    private float rounded(float value, float largest) {
        Tensor pair = scalar.tensors().floats(Shape.of(2), new float[] {value, largest});
        return Rounding.Fp8.of(2).round(pair).toFloats()[0];
    }

    /** The released kernel's own example: the sink is a logit after scaling; the log-sum-exp is natural and without it. */
    @ParameterizedTest
    @EveryBackend
    void trap26SinksAreLogitsAndTheLogSumExpLeavesThemOut(Backend backend) {
        Tensor q = backend.tensors().floats(Shape.of(1, 1, 2, 4), new float[] {1, .5f, -.25f, 2, 0, 1, 1, -1});
        Tensor kv = backend.tensors().floats(Shape.of(1, 3, 4), new float[] {1, 2, 3, 4, 9, 9, 9, 9, -1, .5f, .25f, 1});
        Tensor indices = backend.tensors().ints(Shape.of(1, 1, 3), new int[] {0, 2, -1});
        Tensor sinks = backend.tensors().floats(Shape.of(2), new float[] {.3f, -1});
        for (SparseAttention form : List.of(SparseAttention.gathered(), SparseAttention.masked())) {
            Attended result = form.attend(AttentionInput.of(q, kv, indices).withSinks(sinks));
            assertClose("lse", new double[] {4.6425963, .92870069}, result.logSumExp(), Tolerance.relative(1e-7));
            double[] first = weighted(4.625, .59375, .3);
            double[] second = weighted(.5, -.125, -1);
            double[] expected = new double[8];
            double[] left = {1, 2, 3, 4};
            double[] right = {-1, .5, .25, 1};
            for (int c = 0; c < 4; c++) {
                expected[c] = first[0] * left[c] + first[1] * right[c];
                expected[4 + c] = second[0] * left[c] + second[1] * right[c];
            }
            assertClose("output", expected, result.output(), Tolerance.float32(4));
            // What was published rounds probabilities to bf16 first.
            assertEquals(.952777326, result.output().toDoubles()[0], 4e-3);
        }
    }

    private static double[] weighted(double a, double b, double sink) {
        double sum = Math.exp(a) + Math.exp(b) + Math.exp(sink);
        return new double[] {Math.exp(a) / sum, Math.exp(b) / sum};
    }

    /** Entry lists of runs of 2 for 5 tokens: nothing, 0, 0, 0 and 1, 0 and 1. */
    @Test
    void anEntryIsVisibleFromTheLastTokenOfItsRunOn() {
        var visibility = new Compression.Disjoint(2).visibility(0);
        assertArrayEquals(new int[] {0, 1, 1, 2, 2}, new int[] {
            visibility.keys(0), visibility.keys(1), visibility.keys(2), visibility.keys(3), visibility.keys(4)
        });
        assertEquals(2, new Compression.Disjoint(4).visibility(6).keys(1));
    }

    @Test
    void anIndexerNarrowerThanTheRotaryChannelsIsRefused() {
        var narrow = new EntryChoice.Scored(CompressedIndexerConfig.of(8, 2), TopK.of(2));
        CompressedAttentionConfig config =
                config(4, PLAIN, YARN).withCompression(new Compression.Overlapping(4), narrow);
        assertThrows(IllegalArgumentException.class, () -> config.init(scalar, RandomStream.of(1)));
    }
}
