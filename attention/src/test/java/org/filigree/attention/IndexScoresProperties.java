package org.filigree.attention;

import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.BFloat16Rows;
import org.filigree.kvcache.Float32Rows;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.kvcache.RowFormat;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SequenceCache;
import org.filigree.kvcache.TiledRows;

class IndexScoresProperties {
    record Case(int batch, int tokens, int heads, int dim, int keys, long seed) {
        /** Whole numbers, as keys are, so that every product is exact and on the same side of the cut everywhere; some are 0. */
        Sample q() {
            return Sample.gaussian("q", RandomStream.of(seed), batch, tokens, heads, dim)
                    .map(x -> Math.rint(2 * x));
        }

        Sample w() {
            return Sample.gaussian("w", RandomStream.of(seed), batch, tokens, heads);
        }

        Sample k() {
            return Sample.gaussian("k", RandomStream.of(seed), batch, keys, dim).map(x -> Math.rint(2 * x));
        }

        Sample upstream() {
            return Sample.gaussian("upstream", RandomStream.of(seed), batch, tokens, keys);
        }
    }

    @Provide
    Arbitrary<Case> cases() {
        return Combinators.combine(
                        Arbitraries.of(1, 2),
                        Arbitraries.of(1, 2, 8, 11),
                        Arbitraries.of(1, 3, 16, 31, 33, 64),
                        Arbitraries.of(1, 7, 32, 33, 64),
                        Arbitraries.of(1, 7, 8, 95, 97, 200, 401),
                        Arbitraries.longs())
                .as(Case::new);
    }

    /** Kernels take tokens and keys in blocks; here there are several of both. */
    @Example
    void blocksOfTokensAndKeysAgreeWithTheScalarBackend() {
        Case c = new Case(1, 300, 3, 8, 4100, 11);
        Tensor[] scores = new Tensor[2];
        int i = 0;
        for (String name : List.of("scalar", "vector")) {
            Backend backend = TestBackends.get(name);
            scores[i++] = IndexScores.of(c.q().on(backend), c.w().on(backend), c.k().on(backend));
        }
        assertClose(
                "scores",
                scores[0],
                scores[1],
                Tolerance.float32(8 * 3).times(4).withFloor(1));
    }

    /** A product's gradient is dscore·w_h above zero, and 0 at zero and below. */
    @Property(tries = 60)
    void agreesWithPlainLoops(@ForAll(supplier = AnyBackend.class) Backend backend, @ForAll("cases") Case c) {
        double[] q = c.q().values();
        double[] w = c.w().values();
        double[] k = c.k().values();
        double[] up = c.upstream().values();
        double[] scores = new double[c.batch * c.tokens * c.keys];
        double[] dq = new double[q.length];
        double[] dw = new double[w.length];
        double[] dk = new double[k.length];
        for (int row = 0; row < c.batch * c.tokens; row++) {
            for (int j = 0; j < c.keys; j++) {
                int key = (row / c.tokens * c.keys + j) * c.dim;
                for (int h = row * c.heads; h < (row + 1) * c.heads; h++) {
                    double product = 0;
                    for (int i = 0; i < c.dim; i++) {
                        product += q[h * c.dim + i] * k[key + i];
                    }
                    if (product <= 0) {
                        continue;
                    }
                    double g = up[row * c.keys + j];
                    scores[row * c.keys + j] += w[h] * product;
                    dw[h] += g * product;
                    for (int i = 0; i < c.dim; i++) {
                        dq[h * c.dim + i] += g * w[h] * k[key + i];
                        dk[key + i] += g * w[h] * q[h * c.dim + i];
                    }
                }
            }
        }
        Tensor lq = Autograd.leaf(c.q().on(backend));
        Tensor lw = Autograd.leaf(c.w().on(backend));
        Tensor lk = Autograd.leaf(c.k().on(backend));
        Tensor actual = IndexScores.of(lq, lw, lk);
        Tolerance tolerance = Tolerance.of(backend, (long) c.dim * c.heads + (long) c.keys + (long) c.tokens * c.heads)
                .times(3)
                .withFloor(1);
        assertClose("scores", scores, actual, tolerance);
        Gradients gradients = Autograd.backward(actual, c.upstream().on(backend));
        assertClose("dq", dq, gradients.of(lq), tolerance);
        assertClose("dw", dw, gradients.of(lw), tolerance);
        assertClose("dk", dk, gradients.of(lk), tolerance);
    }

    /** More tokens than are packed together. */
    @Property(tries = 4)
    void manyTokens(@ForAll(supplier = AnyBackend.class) Backend backend, @ForAll long seed) {
        agreesWithPlainLoops(backend, new Case(2, 133, 3, 5, 9, seed));
    }

    /** A cache gives its keys a tile at a time, which changes no bit of what they give side by side, whatever they are stored in. */
    @Property(tries = 40)
    void overACacheAsOverItsRows(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("formats") RowFormat format,
            @ForAll("tokens") int tokens,
            @ForAll("headCounts") int heads,
            @ForAll("keyCounts") int rows,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Tensor q = Sample.gaussian("q", random, tokens, heads, 32).on(backend);
        Tensor w = Sample.gaussian("w", random, tokens, heads).on(backend);
        RowLayout layout = RowLayout.of("other", 3).with("key", 32);
        RowStorage storage = RowStorage.float32(layout).with(format, "key");
        try (SequenceCache cache = KvCacheConfig.of(401, 1, storage).init()) {
            cache.layer(0)
                    .append(
                            cache.layer(0).end(),
                            List.of(
                                    Sample.gaussian("other", random, rows, 3).on(backend),
                                    Sample.gaussian("k", random, rows, 32).on(backend)));
            Tensor keys = cache.layer(0).view("key", backend);
            Tensor together = IndexScores.of(insertAxis(q, 0), insertAxis(w, 0), insertAxis(keys, 0));
            Tensor scores = IndexScores.of(q, w, cache.layer(0).rows("key"));
            assertEquals(Shape.of(tokens, rows), scores.shape());
            assertArrayEquals(together.toDoubles(), scores.toDoubles());
        }
    }

    /** A score of a key without a number is none either, in every backend; its neighbours' are. */
    @Property(tries = 12)
    void notANumberStaysOne(@ForAll(supplier = AnyBackend.class) Backend backend, @ForAll("headCounts") int heads) {
        float[] k = new float[19 * 5];
        Arrays.fill(k, 1f);
        k[7 * 5 + 2] = Float.NaN;
        Tensor scores = IndexScores.of(
                backend.tensors().full(Shape.of(1, 1, heads, 5), 1),
                backend.tensors().full(Shape.of(1, 1, heads), 1),
                backend.tensors().floats(Shape.of(1, 19, 5), k));
        double[] expected = new double[19];
        Arrays.fill(expected, 5.0 * heads);
        expected[7] = Double.NaN;
        assertArrayEquals(expected, scores.toDoubles());
    }

    @Provide
    Arbitrary<RowFormat> formats() {
        return Arbitraries.of(new Float32Rows(32), new BFloat16Rows(32), TiledRows.fp8IndexKeys(32));
    }

    @Provide
    Arbitrary<Integer> tokens() {
        return Arbitraries.of(1, 2, 9);
    }

    @Provide
    Arbitrary<Integer> headCounts() {
        return Arbitraries.of(1, 3, 32, 33);
    }

    @Provide
    Arbitrary<Integer> keyCounts() {
        return Arbitraries.of(1, 7, 8, 96, 97, 401);
    }

    /** More rows than are widened together, and none. */
    @Property(tries = 6)
    void overRowsOfACache(
            @ForAll(supplier = AnyBackend.class) Backend backend, @ForAll("rowCounts") int rows, @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Tensor keys = Sample.gaussian("k", random, rows, 8).on(backend);
        Tensor q = Sample.gaussian("q", random, 2, 3, 8).on(backend);
        Tensor w = Sample.gaussian("w", random, 2, 3).on(backend);
        try (SequenceCache cache =
                KvCacheConfig.of(Math.max(1, rows), 1, RowLayout.of("key", 8)).init()) {
            cache.layer(0).append(cache.layer(0).end(), List.of(keys));
            Tensor together = IndexScores.of(insertAxis(q, 0), insertAxis(w, 0), insertAxis(keys, 0));
            Tensor scores = IndexScores.of(q, w, cache.layer(0).rows());
            assertEquals(Shape.of(2, rows), scores.shape());
            assertClose(
                    "scores",
                    together.toDoubles(),
                    scores,
                    Tolerance.of(backend, 24).withFloor(1));
        }
    }

    @Provide
    Arbitrary<Integer> rowCounts() {
        return Arbitraries.of(0, 1, 4096, 4097, 9000);
    }
}
