package org.filigree.mhc;

import static org.filigree.core.op.Permute.transpose;
import static org.filigree.core.op.Pointwise.tanh;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;

/** The paper's form against the released one, and the forms that are exact. */
class MixProperties {
    @Property(tries = 60)
    void thePaperFormIsTheTransposeOfTheReleasedOneWithoutEpsilon(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 20) int iterations,
            @ForAll @DoubleRange(min = 0, max = 8) double spread,
            @ForAll long seed) {
        Sample logits =
                Sample.gaussian("logits", RandomStream.of(seed), 3, n, n).map(v -> v * spread);
        Sample upstream = Sample.gaussian("upstream", RandomStream.of(seed), 3, n, n);
        Tensor leaf = Autograd.leaf(logits.on(backend));
        Tensor paper = Sinkhorn.paper(leaf, iterations);
        Tensor gradient = Autograd.backward(paper, upstream.on(backend)).of(leaf);
        Tensor turned = transpose(Sinkhorn.sinkhorn(transpose(leaf, 1, 2), iterations, 0), 1, 2);
        assertArrayEquals(turned.toDoubles(), paper.toDoubles());
        Tolerance tolerance = withoutEpsilon(backend, n, iterations, spread);
        for (int m = 0; m < 3; m++) {
            double[] a = Arrays.copyOfRange(logits.values(), m * n * n, (m + 1) * n * n);
            double[] g = Arrays.copyOfRange(upstream.values(), m * n * n, (m + 1) * n * n);
            double[] linear = turned(n, new NaiveSinkhorn(n, iterations, 0).forward(turned(n, a)));
            double[] linearGradient =
                    turned(n, new NaiveSinkhorn(n, iterations, 0).backward(turned(n, a), turned(n, g)));
            var naive = new NaivePaperSinkhorn(n, iterations);
            assertClose("naive", linear, turned(n, naive.forward(a)), Tolerance.relative(1e-12));
            assertClose(
                    "naive gradient",
                    linearGradient,
                    naive.backward(a, turned(n, g)),
                    Tolerance.relative(1e-12).withFloor(1));
            assertClose("paper", linear, part(paper, m, n), tolerance);
            assertClose("gradient", linearGradient, part(gradient, m, n), tolerance);
        }
    }

    @Property(tries = 40)
    void asMixingsTheyDifferInTheOrderOfParametersAlone(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        StepCase paper = StepCase.random(Mixing.paper(20), n, 3, RandomStream.of(seed), 4);
        int[] rows = new int[n * (n + 2)];
        Arrays.setAll(rows, o -> o < 2 * n ? o : 2 * n + (o - 2 * n) % n * n + (o - 2 * n) / n);
        double[] fn = new double[paper.fn().values().length];
        double[] base = new double[rows.length];
        for (int o = 0; o < rows.length; o++) {
            System.arraycopy(paper.fn().values(), rows[o] * 3 * n, fn, o * 3 * n, 3 * n);
            base[o] = paper.base().values()[rows[o]];
        }
        var released = new StepCase(
                HyperConnections.of(n, 3, new Mixing.DoublyStochastic(20, 0)),
                paper.x(),
                Sample.real("fn", paper.fn().shape(), fn),
                Sample.real("base", paper.base().shape(), base),
                paper.scale(),
                paper.f(),
                paper.upstream());
        Tensor x = paper.x().on(backend);
        MixWeights theirs = paper.connections(backend).weights(x);
        MixWeights ours = released.connections(backend).weights(x);
        Tolerance tolerance = Tolerance.of(backend, 3L * n + 40);
        assertClose("pre", theirs.pre(), ours.pre(), tolerance);
        assertClose("post", theirs.post(), ours.post(), tolerance);
        assertClose("comb", theirs.comb(), ours.comb(), tolerance);
    }

    @Property(tries = 60)
    void withoutEpsilonNoFiniteLogitsGiveNaN(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = 0, max = 1e4) double largest,
            @ForAll long seed) {
        Sample logits = Sample.gaussian("logits", RandomStream.of(seed), 2, n, n)
                .map(v -> Math.clamp(v * largest, -largest, largest));
        Tensor leaf = Autograd.leaf(logits.on(backend));
        Tensor comb = Sinkhorn.sinkhorn(leaf, 20, 0);
        for (double entry : comb.toDoubles()) {
            assertTrue(entry >= 0 && entry <= 1 + 1e-6, "entry " + entry);
        }
        for (int m = 0; m < 2; m++) {
            for (double sum : new SquareMatrix(n, part(comb, m, n)).columnSums()) {
                assertEquals(1, sum, 16 * 0x1p-24 * Math.sqrt(n));
            }
        }
        Tensor upstream =
                Sample.gaussian("upstream", RandomStream.of(seed), 2, n, n).on(backend);
        double[] gradient = Autograd.backward(comb, upstream).of(leaf).toDoubles();
        assertTrue(Arrays.stream(gradient).allMatch(Double::isFinite));
    }

    @Property(tries = 80)
    void withoutEpsilonMildAndWideLogitsSideBySideEqualThePlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 9) int n,
            @ForAll @IntRange(min = 1, max = 24) int iterations,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        int matrices = 19;
        double[] spreads = {0, 1, 4, 8, 12, 30, 100};
        double[] logits = Sample.gaussian("logits", random, matrices, n, n).values();
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (logits[i] * spreads[i / (n * n) % spreads.length]);
        }
        Sample upstream = Sample.gaussian("upstream", random, matrices, n, n);
        Tensor leaf = Autograd.leaf(backend.tensors().doubles(Shape.of(matrices, n, n), logits));
        Tensor comb = Sinkhorn.sinkhorn(leaf, iterations, 0);
        Tensor gradient = Autograd.backward(comb, upstream.on(backend)).of(leaf);
        var naive = new NaivePaperSinkhorn(n, iterations);
        for (int m = 0; m < matrices; m++) {
            double spread = spreads[m % spreads.length];
            double[] turned = turned(n, Arrays.copyOfRange(logits, m * n * n, (m + 1) * n * n));
            double[] g = Arrays.copyOfRange(upstream.values(), m * n * n, (m + 1) * n * n);
            Tolerance tolerance = withoutEpsilon(backend, n, iterations, spread);
            assertClose("comb", naive.forward(turned), part(comb, m, n), tolerance);
            assertClose(
                    "gradient of spread " + spread,
                    turned(n, naive.backward(turned, g)),
                    part(gradient, m, n),
                    tolerance);
        }
    }

    /**
     * Without ε. Kernels divide through mild matrices and do wide ones in double; the composition rounds logarithms as large as the
     * logits 2R times.
     */
    private static Tolerance withoutEpsilon(Backend backend, int n, int iterations, double spread) {
        boolean kernel = backend.kernel(SinkhornKernel.class)
                .filter(found -> found.supports(n))
                .isPresent();
        return kernel
                ? Tolerance.of(backend, n).times(2).withFloor(1)
                : Tolerance.of(backend, 2L * iterations).times(1 + 4 * spread).withFloor(1);
    }

    @Property(tries = 60)
    void exactFormsSumToOneWithinRounding(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int streams,
            @ForAll @DoubleRange(min = 0, max = 30) double spread,
            @ForAll long seed) {
        for (Mixing mixing : new Mixing[] {Mixing.permutations(), Mixing.kronecker(), Mixing.identity()}) {
            int n = AnyForm.streams(mixing, streams);
            StepCase drawn = StepCase.random(mixing, n, 3, RandomStream.of(seed), 1);
            StepCase step = drawn.with(drawn.config(), drawn.scale().map(v -> v * spread));
            Tensor x = step.x().on(backend);
            var comb = new SquareMatrix(
                    n, step.connections(backend).weights(x).comb().toDoubles());
            for (double sum : comb.columnSums()) {
                assertEquals(1, sum, 8 * 0x1p-23);
            }
            for (double sum : comb.rowSums()) {
                assertEquals(1, sum, 8 * 0x1p-23);
            }
        }
    }

    @Property(tries = 40)
    void aCertainPermutationIsThatMatrix(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 5) int n,
            @ForAll long seed) {
        int[] sourceOf = new int[n];
        int q = (int) Math.floorMod(seed, (long) PermutationMixer.count(n));
        PermutationMixer.lexicographic(q, sourceOf);
        double[] logits = new double[PermutationMixer.count(n)];
        Arrays.fill(logits, -1000);
        logits[q] = 0;
        double[] comb = comb(backend, Mixing.permutations(), n, logits).entries();
        for (int source = 0; source < n; source++) {
            for (int target = 0; target < n; target++) {
                assertEquals(sourceOf[target] == source ? 1 : 0, comb[source * n + target]);
            }
        }
    }

    @Property(tries = 40)
    void kroneckerMixesAreSymmetricAndCommute(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 0, max = 3) int factors,
            @ForAll long seed) {
        int n = 1 << factors;
        RandomStream random = RandomStream.of(seed);
        double[] logits = Sample.gaussian("a", random, 2 * factors + 1).values();
        double[] others = Sample.gaussian("b", random, 2 * factors + 1).values();
        SquareMatrix a = comb(backend, Mixing.kronecker(), n, Arrays.copyOf(logits, 2 * factors));
        SquareMatrix b = comb(backend, Mixing.kronecker(), n, Arrays.copyOf(others, 2 * factors));
        assertArrayEquals(a.entries(), a.transposed().entries());
        assertEquals(0, a.times(b).distanceTo(b.times(a)), 1e-6);
        double[] certain = new double[2 * factors];
        for (int flip = 1; flip < certain.length; flip += 2) {
            certain[flip] = -1000;
        }
        assertArrayEquals(
                SquareMatrix.identity(n).entries(),
                comb(backend, Mixing.kronecker(), n, certain).entries());
    }

    @Property(tries = 30)
    void largeDiagonalsLeadToTheIdentityForm(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        StepCase identity = StepCase.random(Mixing.identity(), n, 3, RandomStream.of(seed), 4);
        Tensor x = identity.x().on(backend);
        Tensor expected = identity.connections(backend).apply(x, u -> tanh(u));
        double[] base = Arrays.copyOf(identity.base().values(), n * (n + 2));
        double[] fn = Arrays.copyOf(identity.fn().values(), n * (n + 2) * n * 3);
        double[] scale = Arrays.copyOf(identity.scale().values(), 3);
        for (Mixing mixing : new Mixing[] {Mixing.paper(20), Mixing.sinkhorn(20)}) {
            double eps = mixing instanceof Mixing.DoublyStochastic form ? form.eps() : 0;
            for (double diagonal : new double[] {4, 8, 16, 32}) {
                for (int j = 0; j < n; j++) {
                    base[2 * n + j * n + j] = diagonal;
                }
                Tensor actual = HyperConnections.of(n, 3, mixing)
                        .over(ParameterMap.empty()
                                .with("fn", learned(backend, fn, base.length, n * 3))
                                .with("base", learned(backend, base, base.length))
                                .with("scale", learned(backend, scale, 3)))
                        .apply(x, u -> tanh(u));
                // An entry beside the diagonal is e^−diagonal + ε at most before the divisions, which add as much for
                // each other entry.
                double most = 2 * n * (Math.exp(-diagonal) + 2 * eps) + 16 * 0x1p-24 * Math.sqrt(n);
                assertClose(
                        "diagonal " + diagonal,
                        expected,
                        actual,
                        Tolerance.relative(most * n).withFloor(4));
            }
        }
    }

    @Property(tries = 40)
    void everyFormStartsNearTheIdentityAndReadsOneStreamMore(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll(supplier = AnyForm.Constrained.class) Mixing mixing,
            @ForAll @IntRange(min = 1, max = 8) int streams,
            @ForAll @IntRange(min = 0, max = 9) int subLayer,
            @ForAll long seed) {
        int n = AnyForm.streams(mixing, streams);
        RandomStream random = RandomStream.of(seed);
        Tensor x = Sample.gaussian("x", random, 2, n, 3).on(backend);
        MixWeights weights = HyperConnections.of(n, 3, mixing)
                .init(backend, random, subLayer)
                .weights(x);
        var comb = new SquareMatrix(n, part(weights.comb(), 0, n));
        assertTrue(comb.distanceTo(SquareMatrix.identity(n)) < n * 4e-4, Arrays.toString(comb.entries()));
        assertTrue(Arrays.stream(weights.post().toDoubles()).allMatch(post -> post == 1));
        double[] pre = weights.pre().toDoubles();
        for (int j = 0; j < n; j++) {
            assertEquals(1 / (1 + Math.exp(j == subLayer % n ? -1 : 1)), pre[j], 2e-6);
        }
        double[] lagged = HyperConnections.of(n, 3, Mixing.lagged(20))
                .init(backend, random, subLayer)
                .weights(x)
                .pre()
                .toDoubles();
        for (int j = 0; j < n; j++) {
            assertEquals(1 / (1 + Math.exp(j == (subLayer + 1) % n ? -1 : 1)), lagged[j], 2e-6);
        }
    }

    /** The mix of given logits: φ = 0. */
    private static SquareMatrix comb(Backend backend, Mixing mixing, int n, double[] logits) {
        double[] base = new double[2 * n + logits.length];
        System.arraycopy(logits, 0, base, 2 * n, logits.length);
        MixWeights weights = HyperConnections.of(n, 1, mixing)
                .over(ParameterMap.empty()
                        .with("fn", learned(backend, new double[base.length * n], base.length, n))
                        .with("base", learned(backend, base, base.length))
                        .with("scale", learned(backend, new double[3], 3)))
                .weights(backend.tensors().full(Shape.of(1, n, 1), 1));
        return new SquareMatrix(n, weights.comb().toDoubles());
    }

    private static Parameter learned(Backend backend, double[] values, int... dims) {
        return Parameter.learned(backend.tensors().doubles(Shape.of(dims), values));
    }

    private static double[] part(Tensor matrices, int m, int n) {
        return Arrays.copyOfRange(matrices.toDoubles(), m * n * n, (m + 1) * n * n);
    }

    private static double[] turned(int n, double[] matrix) {
        return new SquareMatrix(n, matrix).transposed().entries();
    }
}
