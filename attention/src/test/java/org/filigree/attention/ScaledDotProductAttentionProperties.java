package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.GradientCheck;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;

class ScaledDotProductAttentionProperties {
    /** Which keys are in sight; the last kinds leave queries without any. */
    enum Sight {
        CAUSAL,
        WINDOW,
        ALL,
        COMPRESSED,
        SCATTERED;

        KeySpan of(int tokens, int keys, long seed) {
            return switch (this) {
                case CAUSAL -> KeySpan.causal(tokens, keys);
                case WINDOW -> KeySpan.window(tokens, keys, 1 + (int) Math.floorMod(seed, 7L));
                case ALL -> KeySpan.all(keys);
                case COMPRESSED -> KeySpan.of(t -> Math.min(keys, (t + 1) / 4));
                case SCATTERED -> new Scattered(keys, RandomStream.of(seed).nextInt(1 << 20));
            };
        }
    }

    private record Scattered(int keys, int salt) implements KeySpan {
        @Override
        public int from(int query) {
            return Math.floorMod(31 * query + salt, keys + 1);
        }

        @Override
        public int to(int query) {
            return Math.floorMod(17 * query + 7 * salt, keys + 1);
        }
    }

    record Case(
            int batch,
            int tokens,
            int keys,
            int keyHeads,
            int group,
            int width,
            int valueWidth,
            Sight sight,
            boolean withSinks,
            long seed) {
        Sample q() {
            return Sample.gaussian("q", random(), batch, tokens, heads(), width);
        }

        Sample k() {
            return Sample.gaussian("k", random(), batch, keys, keyHeads, width);
        }

        Sample v() {
            return Sample.gaussian("v", random(), batch, keys, keyHeads, valueWidth);
        }

        Sample sinks() {
            return Sample.gaussian("sinks", random(), heads());
        }

        Sample dOutput() {
            return Sample.gaussian("dOutput", random(), batch, tokens, heads(), valueWidth);
        }

        Sample dLogSumExp() {
            return Sample.gaussian("dLogSumExp", random(), batch, tokens, heads());
        }

        private RandomStream random() {
            return RandomStream.of(seed);
        }

        int heads() {
            return keyHeads * group;
        }

        KeySpan span() {
            return sight.of(tokens, keys, seed);
        }

        double scale() {
            return 1 / Math.sqrt(width);
        }

        /** Gradients of keys sum over queries and heads of the group, each term a chain of three products. */
        Tolerance tolerance(Backend backend) {
            return Tolerance.of(backend, (long) width + valueWidth + keys + (long) tokens * group)
                    .times(4)
                    .withFloor(1);
        }

        NaiveAttention naive() {
            return new NaiveAttention(tokens, keys, heads(), keyHeads, width, valueWidth, span(), scale());
        }
    }

    @Provide
    Arbitrary<Case> cases() {
        Arbitrary<int[]> heads = Arbitraries.of(
                new int[] {1, 1}, new int[] {2, 1}, new int[] {1, 3}, new int[] {2, 2}, new int[] {1, 5});
        Arbitrary<int[]> widths = Arbitraries.of(
                new int[] {1, 1},
                new int[] {3, 2},
                new int[] {7, 16},
                new int[] {17, 9},
                new int[] {6, 31},
                new int[] {5, 33},
                new int[] {40, 70});
        return Combinators.combine(
                        Arbitraries.integers().between(1, 2),
                        Arbitraries.of(0, 1, 2, 5, 15, 16, 17, 31, 32, 33, 67, 131),
                        Arbitraries.of(0, 1, 3, 31, 64, 97, 130),
                        heads,
                        widths,
                        Arbitraries.of(Sight.values()),
                        Arbitraries.of(true, false),
                        Arbitraries.longs())
                .as((b, t, earlier, h, w, sight, sinks, seed) ->
                        new Case(b, t, t + earlier, h[0], h[1], w[0], w[1], sight, sinks, seed));
    }

    /** Few queries of many keys, which are cut into parts. */
    @Property(tries = 20)
    void agreesWithPlainLoopsInDecoding(@ForAll("cases") Case c) {
        agreesWithPlainLoops(
                TestBackends.get("vector"),
                new Case(
                        c.batch,
                        1 + c.tokens % 3,
                        3 + 7 * c.keys,
                        c.keyHeads,
                        c.group,
                        c.width,
                        c.valueWidth,
                        c.sight,
                        c.withSinks,
                        c.seed));
    }

    private static DenseAttentionInput input(Case c, Tensor q, Tensor k, Tensor v, Tensor sinks) {
        DenseAttentionInput plain = new DenseAttentionInput(q, k, v, c.span(), c.scale(), null);
        return c.withSinks ? plain.withSinks(sinks) : plain;
    }

    @Property(tries = 100)
    void agreesWithPlainLoops(@ForAll(supplier = AnyBackend.class) Backend backend, @ForAll("cases") Case c) {
        Tensor q = Autograd.leaf(c.q().on(backend));
        Tensor k = Autograd.leaf(c.k().on(backend));
        Tensor v = Autograd.leaf(c.v().on(backend));
        Tensor sinks = Autograd.leaf(c.sinks().on(backend));
        Attended attended = ScaledDotProductAttention.attend(input(c, q, k, v, sinks));
        double[] naiveSinks = c.withSinks ? c.sinks().values() : null;
        Tolerance tolerance = c.tolerance(backend);
        for (int b = 0; b < c.batch; b++) {
            var expected = c.naive().forward(row(c.q(), b), row(c.k(), b), row(c.v(), b), naiveSinks);
            assertClose("output", expected.output(), Slice.slice(attended.output(), 0, b, b + 1), tolerance);
            assertClose("lse", expected.logSumExp(), Slice.slice(attended.logSumExp(), 0, b, b + 1), tolerance);
        }
        if (c.tokens == 0) {
            return;
        }
        Gradients gradients = Autograd.backward(attended.output(), c.dOutput().on(backend))
                .plus(Autograd.backward(attended.logSumExp(), c.dLogSumExp().on(backend)));
        double[] dSinks = new double[c.heads()];
        for (int b = 0; b < c.batch; b++) {
            var expected = c.naive()
                    .backward(
                            row(c.q(), b),
                            row(c.k(), b),
                            row(c.v(), b),
                            naiveSinks,
                            row(c.dOutput(), b),
                            row(c.dLogSumExp(), b));
            assertClose("dq", expected.q(), Slice.slice(gradients.of(q), 0, b, b + 1), tolerance);
            assertClose("dk", expected.k(), Slice.slice(gradients.of(k), 0, b, b + 1), tolerance);
            assertClose("dv", expected.v(), Slice.slice(gradients.of(v), 0, b, b + 1), tolerance);
            for (int h = 0; h < dSinks.length; h++) {
                dSinks[h] += expected.sinks()[h];
            }
        }
        if (c.withSinks) {
            assertClose("dsinks", dSinks, gradients.of(sinks), tolerance.times(4));
        }
    }

    private static double[] row(Sample sample, int b) {
        int size = sample.values().length / sample.shape().dim(0);
        return Arrays.copyOfRange(sample.values(), b * size, (b + 1) * size);
    }

    /**
     * Queries may come in chunks: tiles begin at fixed keys, so where a query's chunk begins shows in no bit, unless a chunk is so short
     * and its keys so many that they are cut into parts.
     */
    @Property(tries = 40)
    void chunksGiveTheBitsOfTheWhole(@ForAll("cases") Case c, @ForAll long cut) {
        Backend backend = TestBackends.get("vector");
        if (c.tokens < 2 || c.sight == Sight.SCATTERED) {
            return;
        }
        Tensor q = c.q().on(backend);
        Tensor k = c.k().on(backend);
        Tensor v = c.v().on(backend);
        Tensor sinks = c.sinks().on(backend);
        int at = 1 + (int) Math.floorMod(cut, (long) c.tokens - 1);
        KeySpan span = c.span();
        Attended whole = ScaledDotProductAttention.attend(input(c, q, k, v, sinks));
        Attended chunk = ScaledDotProductAttention.attend(input(
                        new Case(
                                c.batch,
                                c.tokens - at,
                                c.keys,
                                c.keyHeads,
                                c.group,
                                c.width,
                                c.valueWidth,
                                Sight.ALL,
                                c.withSinks,
                                c.seed),
                        Slice.slice(q, 1, at, c.tokens),
                        k,
                        v,
                        sinks)
                .withSpan(new Later(span, at)));
        assertArrayEquals(
                Slice.slice(whole.output(), 1, at, c.tokens).toFloats(),
                chunk.output().toFloats());
        assertArrayEquals(
                Slice.slice(whole.logSumExp(), 1, at, c.tokens).toFloats(),
                chunk.logSumExp().toFloats());
    }

    /** The backward pass goes through keys in segments that bound its sums; one tile at a time gives the bits of all at once. */
    @Property(tries = 40)
    void segmentsGiveTheBitsOfTheWhole(@ForAll("cases") Case c) {
        Backend backend = TestBackends.get("vector");
        if (c.tokens == 0 || c.keys == 0) {
            return;
        }
        DenseAttentionInput input = input(
                c,
                c.q().on(backend),
                c.k().on(backend),
                c.v().on(backend),
                c.sinks().on(backend));
        VectorScaledDotProduct kernel = (VectorScaledDotProduct)
                backend.kernel(ScaledDotProductKernel.class).orElseThrow();
        Attended result = kernel.forward(input);
        TileGrid grid = new TileGrid(input);
        Tensor dOutput = c.dOutput().on(backend);
        Tensor dLogSumExp = c.dLogSumExp().on(backend);
        var whole = kernel.gradients(grid, TileGrid.padded(c.keys, TileGrid.KEYS), input, result, dOutput, dLogSumExp);
        var segments = kernel.gradients(grid, TileGrid.KEYS, input, result, dOutput, dLogSumExp);
        assertArrayEquals(whole.queries().toFloats(), segments.queries().toFloats());
        assertArrayEquals(whole.keys().toFloats(), segments.keys().toFloats());
        assertArrayEquals(whole.values().toFloats(), segments.values().toFloats());
    }

    /** 16 tasks of one key head of 576 + 512 channels: 960 keys, of 1 088 · 4 bytes for each task, are what 64 MiB hold. */
    @Test
    void sumsOfTheBackwardPassAreBounded() {
        Backend backend = TestBackends.get("vector");
        for (int tokens : new int[] {3000, 5000}) {
            Tensor keys = backend.tensors().zeros(Shape.of(1, tokens, 1, 576));
            Tensor values = backend.tensors().zeros(Shape.of(1, tokens, 1, 512));
            TileGrid grid = new TileGrid(DenseAttentionInput.causal(keys, keys, values));
            int segment = TiledBackward.segment(grid);
            long perKey = 4L * grid.tasks() * (576 + 512);
            assertTrue(segment * perKey <= 64L << 20, segment + " keys in " + grid.tasks() + " tasks");
            assertTrue((segment + 2L * TileGrid.KEYS) * perKey > 64L << 20, segment + " keys could be more");
        }
    }

    private record Later(KeySpan span, int by) implements KeySpan {
        @Override
        public int from(int query) {
            return span.from(query + by);
        }

        @Override
        public int to(int query) {
            return span.to(query + by);
        }
    }

    @Property(tries = 30)
    void sinksOfMinusInfinityAndOfInfinity(
            @ForAll(supplier = AnyBackend.class) Backend backend, @ForAll("cases") Case c) {
        DenseAttentionInput plain = new DenseAttentionInput(
                c.q().on(backend), c.k().on(backend), c.v().on(backend), c.span(), c.scale(), null);
        Tensor none = backend.tensors().full(Shape.of(c.heads()), Double.NEGATIVE_INFINITY);
        Tensor all = backend.tensors().full(Shape.of(c.heads()), Double.POSITIVE_INFINITY);
        Attended without = ScaledDotProductAttention.attend(plain);
        Attended taken = ScaledDotProductAttention.attend(plain.withSinks(all));
        assertClose(
                "no effect",
                without.output(),
                ScaledDotProductAttention.attend(plain.withSinks(none)).output(),
                Tolerance.EXACT);
        assertClose("all", new double[(int) taken.output().shape().size()], taken.output(), Tolerance.EXACT);
        assertClose("lse leaves the sink out", without.logSumExp(), taken.logSumExp(), Tolerance.EXACT);
    }

    @Property(tries = 20)
    void gradientsAgreeWithCentralDifferences(@ForAll(supplier = AnyBackend.class) Backend backend) {
        RandomStream random = RandomStream.of(5);
        List<Sample> inputs = List.of(
                Sample.gaussian("q", random, 1, 3, 4, 3),
                Sample.gaussian("k", random, 1, 5, 2, 3),
                Sample.gaussian("v", random, 1, 5, 2, 2),
                Sample.gaussian("sinks", random, 4));
        GradientCheck.check(backend, inputs, Tolerance.of(backend, 32).times(4), t -> {
            Attended attended = ScaledDotProductAttention.attend(
                    DenseAttentionInput.causal(t.get(0), t.get(1), t.get(2)).withSinks(t.get(3)));
            return List.of(attended.output(), attended.logSumExp());
        });
    }

    @Test
    void aNumberByHand() {
        // The second query sees logits 1·1 and 1·3: weights e/(e + e³), e³/(e + e³) on values 10 and 20.
        Backend backend = TestBackends.get("scalar");
        Tensor q = backend.tensors().floats(Shape.of(1, 2, 1, 1), new float[] {5, 1});
        Tensor k = backend.tensors().floats(Shape.of(1, 2, 1, 1), new float[] {1, 3});
        Tensor v = backend.tensors().floats(Shape.of(1, 2, 1, 1), new float[] {10, 20});
        Attended attended = ScaledDotProductAttention.attend(DenseAttentionInput.causal(q, k, v));
        assertEquals(10, attended.output().toDoubles()[0], 1e-6);
        assertEquals(
                (10 * Math.E + 20 * Math.exp(3)) / (Math.E + Math.exp(3)),
                attended.output().toDoubles()[1],
                1e-5);
        assertEquals(5, attended.logSumExp().toDoubles()[0], 1e-6);
        assertEquals(Math.log(Math.E + Math.exp(3)), attended.logSumExp().toDoubles()[1], 1e-6);
    }

    @Test
    void whatDoesNotFitIsAnError() {
        Backend backend = TestBackends.get("scalar");
        Tensor q = backend.tensors().zeros(Shape.of(1, 2, 4, 3));
        Tensor k = backend.tensors().zeros(Shape.of(1, 2, 3, 3));
        Tensor two = backend.tensors().zeros(Shape.of(1, 2, 2, 3));
        assertThrows(IllegalArgumentException.class, () -> DenseAttentionInput.causal(q, k, k));
        assertThrows(ShapeException.class, () -> DenseAttentionInput.causal(q, two, k));
        DenseAttentionInput fits = DenseAttentionInput.causal(q, two, two);
        assertThrows(ShapeException.class, () -> fits.withSpan(KeySpan.all(3)));
        assertThrows(ShapeException.class, () -> fits.withSinks(two));
        assertThrows(IllegalArgumentException.class, () -> KeySpan.causal(3, 2));
        assertThrows(IllegalArgumentException.class, () -> KeySpan.window(2, 2, 0));
    }
}
