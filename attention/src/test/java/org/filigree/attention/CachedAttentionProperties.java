package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
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
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SequenceCache;
import org.filigree.kvcache.TiledRows;

/** Attention over rows in a cache, in every format, against plain loops over the widened rows. */
class CachedAttentionProperties {
    private static final RowLayout LAYOUT = RowLayout.of("latent", 512).with("rotary", 64);

    record Case(int tokens, int heads, int keys, int chosen, RowStorage storage, boolean sinks, long seed) {
        RandomStream random() {
            return RandomStream.of(seed);
        }

        SequenceCache cache(Backend backend) {
            SequenceCache cache =
                    KvCacheConfig.of(Math.max(1, keys), 1, storage).init();
            cache.layer(0)
                    .append(List.of(
                            Sample.gaussian("latent", random(), keys, 512).on(backend),
                            Sample.gaussian("rotary", random(), keys, 64).on(backend)));
            return cache;
        }

        CachedAttentionInput input(Backend backend, KvCache cache) {
            return new CachedAttentionInput(
                    queries().on(backend),
                    cache.rows("latent", "rotary"),
                    512,
                    indices().on(backend),
                    0.05,
                    sinks ? sinkLogits().on(backend) : null);
        }

        Sample queries() {
            return Sample.gaussian("q", random(), tokens, heads, 576);
        }

        Sample indices() {
            return Sample.indices("indices", random(), -1, keys, tokens, chosen);
        }

        Sample sinkLogits() {
            return Sample.gaussian("sinks", random(), heads);
        }
    }

    @Provide
    Arbitrary<Case> cases() {
        return Combinators.combine(
                        Arbitraries.of(1, 2, 3),
                        Arbitraries.of(1, 3, 4, 5, 16),
                        Arbitraries.of(0, 1, 5, 70),
                        Arbitraries.of(0, 1, 3, 63, 64, 65, 255, 256, 257, 600),
                        Arbitraries.of(
                                RowStorage.float32(LAYOUT),
                                RowStorage.bfloat16(LAYOUT),
                                RowStorage.float32(LAYOUT).with(TiledRows.V32_FP8_SPARSE, "latent", "rotary")),
                        Arbitraries.of(true, false),
                        Arbitraries.longs())
                .as(Case::new);
    }

    @Property(tries = 60)
    void agreesWithPlainLoops(@ForAll("cases") Case each, @ForAll(supplier = AnyBackend.class) Backend backend) {
        try (SequenceCache cache = each.cache(backend)) {
            CachedAttentionInput input = each.input(backend, cache.layer(0));
            Attended attended = CachedAttention.attend(input);
            double[] keys = input.keyValues().tensor(backend).toDoubles();
            var naive = new NaiveSparseAttention(each.tokens, each.heads, 576, 512, each.chosen, 0.05)
                    .forward(
                            each.queries().values(),
                            keys,
                            each.indices().on(backend).toInts(),
                            each.sinks ? each.sinkLogits().values() : null);
            assertEquals(
                    Shape.of(each.tokens, each.heads, 512), attended.output().shape());
            Tolerance tolerance = Tolerance.of(backend, 576).withFloor(1);
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
    }

    @Example
    void sameBitsWhateverTheThreads() {
        Case each = new Case(3, 6, 70, 600, RowStorage.bfloat16(LAYOUT), true, 4);
        float[] one = onThreads(each, 1);
        assertArrayEquals(one, onThreads(each, 2));
        assertArrayEquals(one, onThreads(each, 3));
    }

    private static float[] onThreads(Case each, int threads) {
        String property = "filigree.vector.threads";
        String before = System.getProperty(property);
        System.setProperty(property, String.valueOf(threads));
        try (Backend backend = Backends.open("vector");
                SequenceCache cache = each.cache(backend)) {
            return CachedAttention.attend(each.input(backend, cache.layer(0)))
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
        Case each = new Case(1, 2, 9, 9, RowStorage.float32(LAYOUT), false, 4);
        for (String name : List.of("scalar", "vector")) {
            Backend backend = TestBackends.get(name);
            try (SequenceCache cache = each.cache(backend)) {
                CachedAttentionInput plain = each.input(backend, cache.layer(0));
                Tensor sinks = backend.tensors()
                        .floats(Shape.of(2), new float[] {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY});
                double[] output = CachedAttention.attend(new CachedAttentionInput(
                                plain.queries(), plain.keyValues(), 512, plain.indices(), 0.05, sinks))
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
        Case each = new Case(1, 2, 9, 9, RowStorage.float32(LAYOUT), false, 4);
        for (String name : List.of("scalar", "vector")) {
            Backend backend = TestBackends.get(name);
            try (SequenceCache cache = each.cache(backend)) {
                CacheRows rows = cache.layer(0).rows();
                Tensor queries = each.queries().on(backend);
                for (int wrong : new int[] {-2, 9}) {
                    Tensor indices = backend.tensors().ints(Shape.of(1, 1), new int[] {wrong});
                    var input = new CachedAttentionInput(queries, rows, 512, indices, 1, null);
                    assertThrows(IndexOutOfBoundsException.class, () -> CachedAttention.attend(input));
                }
                Tensor indices = backend.tensors().ints(Shape.of(1, 1), new int[] {0});
                assertTrue(Thrown.message(
                                ShapeException.class,
                                () -> new CachedAttentionInput(
                                        queries, cache.layer(0).rows("latent"), 512, indices, 1, null))
                        .contains("queries [1, 2, 576] are 576 wide, rows of the cache 512"));
                var wanting = new CachedAttentionInput(Autograd.leaf(queries), rows, 512, indices, 1, null);
                assertThrows(ShapeException.class, () -> CachedAttention.attend(wanting));
                assertThrows(
                        ShapeException.class, () -> new CachedAttentionInput(queries, rows, 577, indices, 1, null));
            }
        }
    }
}
