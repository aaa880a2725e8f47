package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.GenerationMode;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;

/** Attention over rows in a cache, in every format and every form, against plain loops over rows decoded number by number. */
class CachedAttentionProperties {
    private static final RowLayout LAYOUT = RowLayout.of("latent", 512).with("rotary", 64);

    /** Queries and the choice of keys that are there. */
    record Case(int tokens, int heads, int chosen, boolean sinks, long seed) {
        RandomStream random() {
            return RandomStream.of(seed);
        }

        CachedAttentionInput input(Backend backend, CacheRows keys, int valueWidth) {
            return new CachedAttentionInput(
                    queries(keys.width()).on(backend),
                    keys,
                    valueWidth,
                    indices(keys.count()).on(backend),
                    scale(keys.width()),
                    sinks ? sinkLogits().on(backend) : null);
        }

        /** Logits of a spread around 1: some keys matter more than others, and none alone. */
        double scale(int width) {
            return 3 / Math.sqrt(width);
        }

        Sample queries(int width) {
            return Sample.gaussian("q", random(), tokens, heads, width);
        }

        /** −1 and duplicates among them. */
        Sample indices(int keys) {
            return Sample.indices("indices", random(), -1, keys, tokens, chosen);
        }

        Sample sinkLogits() {
            return Sample.gaussian("sinks", random(), heads);
        }
    }

    private static final List<Case> CASES = List.of(new Case(2, 3, 19, true, 1), new Case(1, 5, 66, false, 2));

    @Provide
    Arbitrary<CachedLayout> releasedLayouts() {
        return Arbitraries.of(CachedLayout.released());
    }

    @Property(generation = GenerationMode.EXHAUSTIVE)
    void everyReleasedLayoutInEveryFormOfCache(
            @ForAll("releasedLayouts") CachedLayout layout,
            @ForAll CacheForm form,
            @ForAll(supplier = AnyBackend.class) Backend backend) {
        agrees(backend, layout, form, 24, CASES);
    }

    @Property(generation = GenerationMode.EXHAUSTIVE)
    void everySmallLayoutInEveryFormOfCache(@ForAll("smallLayouts") CachedLayout layout, @ForAll CacheForm form) {
        agrees(TestBackends.get("vector"), layout, form, 24, CASES);
    }

    @Provide
    Arbitrary<CachedLayout> smallLayouts() {
        return Arbitraries.of(CachedLayout.small());
    }

    @Provide
    Arbitrary<Case> cases() {
        return Combinators.combine(
                        Arbitraries.of(0, 1, 2, 3, 17),
                        Arbitraries.of(1, 3, 4, 5, 16),
                        Arbitraries.of(0, 1, 3, 63, 64, 65, 255, 256, 257, 600),
                        Arbitraries.of(true, false),
                        Arbitraries.longs())
                .as(Case::new);
    }

    @Property(tries = 60)
    void agreesWithPlainLoops(
            @ForAll("cases") Case each,
            @ForAll("smallLayouts") CachedLayout layout,
            @ForAll CacheForm form,
            @ForAll("lengths") int rows,
            @ForAll(supplier = AnyBackend.class) Backend backend) {
        agrees(backend, layout, form, rows, List.of(each));
    }

    @Provide
    Arbitrary<Integer> lengths() {
        return Arbitraries.of(0, 1, 5, 6, 7, 8, 14, 70);
    }

    private static void agrees(Backend backend, CachedLayout layout, CacheForm form, int length, List<Case> cases) {
        var drawn =
                new CacheForm.Drawn(backend, RandomStream.of(cases.getFirst().seed()));
        try (CacheForm.Held held = form.hold(layout.storage(), drawn, length)) {
            float[][] expected = PlainRows.stored(
                    layout.storage(), drawn.parts(layout.storage().layout(), held.numbers()));
            CacheRows rows = held.cache().rows(layout.parts());
            assertEquals(expected.length, rows.count());
            assertEquals(held.firstToken(), rows.firstToken());
            assertEquals(held.tokensPerRow(), rows.tokensPerRow());
            double[] keys = new double[rows.count() * layout.width()];
            for (int i = 0; i < keys.length; i++) {
                keys[i] = expected[i / layout.width()][i % layout.width()];
            }
            assertArrayEquals(keys, rows.tensor(backend).toDoubles());
            for (Case each : cases) {
                attends(each, backend, layout, rows, keys);
                scores(each, backend, rows, keys);
            }
        }
    }

    private static void attends(Case each, Backend backend, CachedLayout layout, CacheRows rows, double[] keys) {
        CachedAttentionInput input = each.input(backend, rows, layout.valueWidth());
        Attended attended = CachedAttention.attend(input);
        int width = layout.width();
        var naive = new NaiveSparseAttention(
                        each.tokens, each.heads, width, layout.valueWidth(), each.chosen, each.scale(width))
                .forward(
                        each.queries(width).values(),
                        keys,
                        input.indices().toInts(),
                        each.sinks ? each.sinkLogits().values() : null);
        assertEquals(
                Shape.of(each.tokens, each.heads, layout.valueWidth()),
                attended.output().shape());
        // Two sums, one after the other: over channels and over keys.
        Tolerance tolerance =
                Tolerance.of(backend, width + each.chosen).times(2).withFloor(1);
        assertClose("output", naive.output(), attended.output(), tolerance);
        double[] sums = attended.logSumExp().toDoubles();
        for (int i = 0; i < sums.length; i++) {
            if (naive.logSumExp()[i] == Double.NEGATIVE_INFINITY) {
                assertEquals(Double.NEGATIVE_INFINITY, sums[i]);
                sums[i] = 0;
                naive.logSumExp()[i] = 0;
            }
        }
        assertClose("log-sum-exp", naive.logSumExp(), sums, tolerance);
    }

    /** What an indexer reads: Σ_h w(t, h)·ReLU(q(t, h)·k(j)). */
    private static void scores(Case each, Backend backend, CacheRows rows, double[] keys) {
        int width = rows.width();
        Sample weights = Sample.gaussian("weights", each.random(), each.tokens, each.heads);
        double[] q = each.queries(width).values();
        double[] expected = new double[each.tokens * rows.count()];
        for (int i = 0; i < expected.length; i++) {
            int token = i / rows.count();
            int key = i % rows.count();
            for (int h = 0; h < each.heads; h++) {
                double product = 0;
                for (int c = 0; c < width; c++) {
                    product += q[(token * each.heads + h) * width + c] * keys[key * width + c];
                }
                expected[i] += weights.values()[token * each.heads + h] * Math.max(0, product);
            }
        }
        assertClose(
                "scores",
                expected,
                IndexScores.of(each.queries(width).on(backend), weights.on(backend), rows),
                Tolerance.of(backend, width).withFloor(1));
    }

    @Example
    void sameBitsWhateverTheThreads() {
        Case each = new Case(3, 6, 600, true, 4);
        float[] one = onThreads(each, 1);
        assertArrayEquals(one, onThreads(each, 2));
        assertArrayEquals(one, onThreads(each, 3));
    }

    private static KvCache cache(Backend backend, RowStorage storage, int rows) {
        var cache = new ContiguousKvCache(storage, rows);
        cache.append(
                cache.end(),
                new CacheForm.Drawn(backend, RandomStream.of(4))
                        .parts(storage.layout(), IntStream.range(0, rows).toArray()));
        return cache;
    }

    private static float[] onThreads(Case each, int threads) {
        String property = "filigree.vector.threads";
        String before = System.getProperty(property);
        System.setProperty(property, String.valueOf(threads));
        try (Backend backend = Backends.open("vector");
                KvCache cache = cache(backend, RowStorage.bfloat16(LAYOUT), 70)) {
            return CachedAttention.attend(each.input(backend, cache.rows(), 512))
                    .output()
                    .toFloats();
        } finally {
            if (before == null) {
                System.clearProperty(property);
            } else {
                System.setProperty(property, before);
            }
        }
    }

    /** A sink of +∞ takes all weight, one of −∞ none. */
    @Example
    void sinksWithoutBound() {
        Case each = new Case(1, 2, 9, false, 4);
        for (String name : List.of("scalar", "vector")) {
            Backend backend = TestBackends.get(name);
            try (KvCache cache = cache(backend, RowStorage.float32(LAYOUT), 9)) {
                CachedAttentionInput plain = each.input(backend, cache.rows(), 512);
                Tensor sinks = backend.tensors()
                        .floats(Shape.of(2), new float[] {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY});
                double[] output = CachedAttention.attend(new CachedAttentionInput(
                                plain.queries(), plain.keyValues(), 512, plain.indices(), plain.scale(), sinks))
                        .output()
                        .toDoubles();
                double[] without = CachedAttention.attend(plain).output().toDoubles();
                for (int c = 0; c < 512; c++) {
                    assertEquals(0, Math.abs(output[c]));
                    assertEquals(without[512 + c], output[512 + c], 1e-6);
                }
            }
        }
    }

    @Example
    void badInputIsRefused() {
        Case each = new Case(1, 2, 9, false, 4);
        for (String name : List.of("scalar", "vector")) {
            Backend backend = TestBackends.get(name);
            try (KvCache cache = cache(backend, RowStorage.float32(LAYOUT), 9)) {
                CacheRows rows = cache.rows();
                Tensor queries = each.queries(rows.width()).on(backend);
                for (int wrong : new int[] {-2, 9}) {
                    Tensor indices = backend.tensors().ints(Shape.of(1, 1), new int[] {wrong});
                    var input = new CachedAttentionInput(queries, rows, 512, indices, 1, null);
                    assertThrows(IndexOutOfBoundsException.class, () -> CachedAttention.attend(input));
                }
                Tensor indices = backend.tensors().ints(Shape.of(1, 1), new int[] {0});
                assertTrue(Thrown.message(
                                ShapeException.class,
                                () -> new CachedAttentionInput(queries, cache.rows("latent"), 512, indices, 1, null))
                        .contains("queries [1, 2, 576] are 576 wide, rows of the cache 512"));
                var wanting = new CachedAttentionInput(Autograd.leaf(queries), rows, 512, indices, 1, null);
                assertThrows(ShapeException.class, () -> CachedAttention.attend(wanting));
                Tensor sinks = Autograd.leaf(each.sinkLogits().on(backend));
                var wantingSinks = new CachedAttentionInput(queries, rows, 512, indices, 1, sinks);
                assertTrue(Thrown.message(ShapeException.class, () -> CachedAttention.attend(wantingSinks))
                        .contains("sinks [2] want a gradient"));
                Autograd.withoutGradients(() -> CachedAttention.attend(wantingSinks));
                assertThrows(
                        ShapeException.class, () -> new CachedAttentionInput(queries, rows, 577, indices, 1, null));
            }
        }
    }
}
