package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
import org.filigree.core.op.Concat;
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

class SparseAttentionProperties {
    record Case(int batch, int tokens, int heads, int width, int valueWidth, int keys, int chosen, long seed) {
        Sample q() {
            return Sample.gaussian("q", random(), batch, tokens, heads, width);
        }

        Sample kv() {
            return Sample.gaussian("kv", random(), batch, keys, width);
        }

        Sample sinks() {
            return Sample.gaussian("sinks", random(), heads);
        }

        Sample upstream() {
            return Sample.gaussian("upstream", random(), batch, tokens, heads, valueWidth);
        }

        /** From −1 on, with repetition, so duplicates and rows without keys occur. */
        Sample indices() {
            return Sample.indices("indices", random(), -1, keys, batch, tokens, chosen);
        }

        private RandomStream random() {
            return RandomStream.of(seed);
        }

        double scale() {
            return 1 / Math.sqrt(width);
        }

        Tolerance tolerance(Backend backend) {
            return Tolerance.of(backend, width + chosen + 1L).times(4).withFloor(1);
        }

        AttentionInput input(Backend backend) {
            return AttentionInput.of(
                            q().on(backend), kv().on(backend), indices().on(backend))
                    .withValueWidth(valueWidth);
        }
    }

    @Provide
    Arbitrary<Case> cases() {
        return Combinators.combine(
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.integers().between(1, 5),
                        Arbitraries.integers().between(1, 4),
                        Arbitraries.integers().between(1, 17),
                        Arbitraries.integers().between(1, 17),
                        Arbitraries.integers().between(0, 11),
                        Arbitraries.integers().between(0, 9),
                        Arbitraries.longs())
                .as((b, t, h, d, v, n, k, seed) -> new Case(b, t, h, d, Math.min(v, d), n, k, seed));
    }

    /** Beyond tiles of keys, strips of heads, parts of a token and blocks of tokens. */
    @Provide
    Arbitrary<Case> large() {
        return Combinators.combine(
                        Arbitraries.of(1, 2),
                        Arbitraries.of(1, 3, 17),
                        Arbitraries.of(1, 7, 16, 33),
                        Arbitraries.of(new int[] {5, 3}, new int[] {33, 32}, new int[] {64, 33}, new int[] {40, 40}),
                        Arbitraries.of(1, 50, 400),
                        Arbitraries.of(0, 95, 97, 192, 385, 1100),
                        Arbitraries.longs())
                .as((b, t, h, w, n, k, seed) -> new Case(b, t, h, w[0], w[1], n, k, seed));
    }

    @Property(tries = 20)
    void agreesWithPlainLoopsBeyondOneTile(@ForAll("large") Case c, @ForAll boolean withSinks) {
        agreesWithPlainLoops(TestBackends.get("vector"), SparseAttention.gathered(), c, withSinks);
    }

    @Provide
    Arbitrary<SparseAttention> forms() {
        return Arbitraries.of(SparseAttention.gathered(), SparseAttention.masked(), SparseAttention.cheaper());
    }

    @Property
    void agreesWithPlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") SparseAttention form,
            @ForAll("cases") Case c,
            @ForAll boolean withSinks) {
        Tensor q = Autograd.leaf(c.q().on(backend));
        Tensor kv = Autograd.leaf(c.kv().on(backend));
        Tensor sinks = Autograd.leaf(c.sinks().on(backend));
        AttentionInput plain = AttentionInput.of(q, kv, c.indices().on(backend)).withValueWidth(c.valueWidth);
        Attended attended = form.attend(withSinks ? plain.withSinks(sinks) : plain);
        Tolerance tolerance = c.tolerance(backend);
        var naive = new NaiveSparseAttention(c.tokens, c.heads, c.width, c.valueWidth, c.chosen, c.scale());
        double[] naiveSinks = withSinks ? c.sinks().values() : null;
        double[] dSinks = new double[c.heads];
        for (int b = 0; b < c.batch; b++) {
            double[] qb = row(c.q(), b);
            double[] kvb = row(c.kv(), b);
            int[] indices = ints(row(c.indices(), b));
            var expected = naive.forward(qb, kvb, indices, naiveSinks);
            assertClose("output", expected.output(), Slice.slice(attended.output(), 0, b, b + 1), tolerance);
            assertClose("lse", expected.logSumExp(), Slice.slice(attended.logSumExp(), 0, b, b + 1), tolerance);
        }
        if (!Autograd.differentiable(attended.output())) {
            assertEquals(0, c.keys);
            return;
        }
        Gradients gradients = Autograd.backward(attended.output(), c.upstream().on(backend));
        for (int b = 0; b < c.batch; b++) {
            var expected = naive.backward(
                    row(c.q(), b), row(c.kv(), b), ints(row(c.indices(), b)), naiveSinks, row(c.upstream(), b));
            assertClose("dq", expected.q(), Slice.slice(gradients.of(q), 0, b, b + 1), tolerance);
            assertClose("dkv", expected.kv(), Slice.slice(gradients.of(kv), 0, b, b + 1), tolerance);
            for (int h = 0; h < c.heads; h++) {
                dSinks[h] += expected.sinks()[h];
            }
        }
        if (withSinks) {
            assertClose("dsinks", dSinks, gradients.of(sinks), tolerance.times(4));
        }
    }

    private static double[] row(Sample sample, int b) {
        int size = sample.values().length / sample.shape().dim(0);
        return Arrays.copyOfRange(sample.values(), b * size, (b + 1) * size);
    }

    private static int[] ints(double[] values) {
        return Arrays.stream(values).mapToInt(v -> (int) v).toArray();
    }

    /** The log-sum-exp is a result like any other: it has a gradient too. */
    @Property(tries = 20)
    void gradientsAgreeWithCentralDifferences(
            @ForAll(supplier = AnyBackend.class) Backend backend, @ForAll("forms") SparseAttention form) {
        RandomStream random = RandomStream.of(11);
        Sample indices = Sample.ints("indices", Shape.of(1, 3, 3), 0, 1, 2, 3, -1, 3, 1, 1, 1);
        List<Sample> inputs = List.of(
                Sample.gaussian("q", random, 1, 3, 2, 4),
                Sample.gaussian("kv", random, 1, 4, 4),
                Sample.gaussian("sinks", random, 2),
                indices);
        GradientCheck.check(backend, inputs, Tolerance.of(backend, 16).times(4), t -> {
            Attended attended = form.attend(AttentionInput.of(t.get(0), t.get(1), t.get(3))
                    .withSinks(t.get(2))
                    .withValueWidth(3));
            return List.of(attended.output(), attended.logSumExp());
        });
    }

    @Property(tries = 50)
    void aSinkOfMinusInfinityHasNoEffectAndOneOfInfinityTakesAll(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") SparseAttention form,
            @ForAll("cases") Case c) {
        AttentionInput plain = c.input(backend);
        Attended without = form.attend(plain);
        Tensor none = backend.tensors().full(Shape.of(c.heads), Double.NEGATIVE_INFINITY);
        Tensor all = backend.tensors().full(Shape.of(c.heads), Double.POSITIVE_INFINITY);
        assertClose(
                "no effect",
                without.output(),
                form.attend(plain.withSinks(none)).output(),
                c.tolerance(backend));
        assertClose(
                "all",
                new double[Math.toIntExact(without.output().shape().size())],
                form.attend(plain.withSinks(all)).output(),
                Tolerance.EXACT);
        assertClose(
                "lse leaves the sink out",
                without.logSumExp(),
                form.attend(plain.withSinks(all)).logSumExp(),
                c.tolerance(backend));
    }

    @Property(tries = 50)
    void anIndexOfMinusOneAddsNothing(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") SparseAttention form,
            @ForAll("cases") Case c) {
        AttentionInput plain = c.input(backend);
        Tensor padding = Sample.indices("padding", RandomStream.of(1), -1, 0, c.batch, c.tokens, 3)
                .on(backend);
        AttentionInput padded = AttentionInput.of(
                        plain.queries(), plain.keyValues(), Concat.concat(-1, padding, plain.indices()))
                .withValueWidth(c.valueWidth);
        assertClose("output", form.attend(plain).output(), form.attend(padded).output(), c.tolerance(backend));
        assertClose("lse", form.attend(plain).logSumExp(), form.attend(padded).logSumExp(), c.tolerance(backend));
    }

    @Property(tries = 50)
    void namingEveryKeyTwiceAddsLogTwoToTheLogSumExp(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") SparseAttention form,
            @ForAll("cases") Case c) {
        AttentionInput plain = c.input(backend);
        AttentionInput twice = AttentionInput.of(
                        plain.queries(), plain.keyValues(), Concat.concat(-1, plain.indices(), plain.indices()))
                .withValueWidth(c.valueWidth);
        double[] expected = form.attend(plain).logSumExp().toDoubles();
        for (int i = 0; i < expected.length; i++) {
            expected[i] += Math.log(2);
        }
        assertClose("lse", expected, form.attend(twice).logSumExp(), c.tolerance(backend));
        assertClose("output", form.attend(plain).output(), form.attend(twice).output(), c.tolerance(backend));
    }

    /** Two halves of the keys, joined through their log-sum-exps, are the whole: what split decoding rests on. */
    @Property(tries = 50)
    void halvesJoinThroughTheLogSumExp(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") SparseAttention form,
            @ForAll("cases") Case c) {
        AttentionInput whole = c.input(backend);
        int half = c.chosen / 2;
        Attended all = form.attend(whole);
        Attended left = form.attend(part(whole, 0, half));
        Attended right = form.attend(part(whole, half, c.chosen));
        double[] a = left.logSumExp().toDoubles();
        double[] b = right.logSumExp().toDoubles();
        double[] lse = new double[a.length];
        double[] output = new double[Math.toIntExact(all.output().shape().size())];
        double[] outLeft = left.output().toDoubles();
        double[] outRight = right.output().toDoubles();
        for (int r = 0; r < lse.length; r++) {
            double peak = Math.max(a[r], b[r]);
            lse[r] = peak == Double.NEGATIVE_INFINITY
                    ? peak
                    : peak + Math.log(Math.exp(a[r] - peak) + Math.exp(b[r] - peak));
            for (int i = r * c.valueWidth; i < (r + 1) * c.valueWidth && peak > Double.NEGATIVE_INFINITY; i++) {
                output[i] = outLeft[i] * Math.exp(a[r] - lse[r]) + outRight[i] * Math.exp(b[r] - lse[r]);
            }
        }
        assertClose("lse", lse, all.logSumExp(), c.tolerance(backend));
        assertClose("output", output, all.output(), c.tolerance(backend));
    }

    private static AttentionInput part(AttentionInput input, int from, int to) {
        return AttentionInput.of(input.queries(), input.keyValues(), Slice.slice(input.indices(), -1, from, to))
                .withValueWidth(input.valueWidth());
    }

    @Test
    void aNumberByHand() {
        // Keys 1 and 2 with logits 1·1 and 1·3: weights e/(e + e³), e³/(e + e³) on values 1 and 3.
        Backend backend = TestBackends.get("scalar");
        Attended attended = SparseAttention.gathered()
                .attend(AttentionInput.of(
                        backend.tensors().floats(Shape.of(1, 1, 1, 1), new float[] {1}),
                        backend.tensors().floats(Shape.of(1, 3, 1), new float[] {9, 1, 3}),
                        backend.tensors().ints(Shape.of(1, 1, 3), new int[] {2, -1, 1})));
        assertEquals(
                (Math.E + 3 * Math.exp(3)) / (Math.E + Math.exp(3)),
                attended.output().item(),
                1e-6);
        assertEquals(Math.log(Math.E + Math.exp(3)), attended.logSumExp().item(), 1e-6);
    }

    @Test
    void aKeyThatIsNotThereIsAnError() {
        Backend backend = TestBackends.get("scalar");
        Tensor q = backend.tensors().zeros(Shape.of(1, 1, 2, 3));
        Tensor kv = backend.tensors().zeros(Shape.of(1, 4, 3));
        Tensor five = backend.tensors().ints(Shape.of(1, 1, 1), new int[] {4});
        for (SparseAttention form : List.of(SparseAttention.gathered(), SparseAttention.masked())) {
            assertThrows(IndexOutOfBoundsException.class, () -> form.attend(AttentionInput.of(q, kv, five)));
        }
        assertThrows(ShapeException.class, () -> AttentionInput.of(kv, kv, five));
        assertThrows(ShapeException.class, () -> AttentionInput.of(q, kv, five).withValueWidth(4));
        assertThrows(ShapeException.class, () -> AttentionInput.of(q, kv, five).withSinks(q));
    }
}
