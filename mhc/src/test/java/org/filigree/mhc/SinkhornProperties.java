package org.filigree.mhc;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;

class SinkhornProperties {
    private static final double EPS = 1e-6;

    @Property(tries = 120)
    void everyBackendEqualsThePlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 9) int n,
            @ForAll @IntRange(min = 0, max = 7) int matrices,
            @ForAll @IntRange(min = 1, max = 24) int iterations,
            @ForAll @DoubleRange(min = 0, max = 8) double spread,
            @ForAll long seed) {
        Sample logits = logits(seed, spread, matrices, n);
        Sample upstream = Sample.gaussian("upstream", RandomStream.of(seed), matrices, n, n);
        Tensor leaf = Autograd.leaf(logits.on(backend));
        Tensor comb = Sinkhorn.sinkhorn(leaf, iterations, EPS);
        Tensor gradient = Autograd.backward(comb, upstream.on(backend)).of(leaf);
        var naive = new NaiveSinkhorn(n, iterations, EPS);
        double[] expected = new double[logits.values().length];
        double[] expectedGradient = new double[expected.length];
        for (int at = 0; at < expected.length; at += n * n) {
            double[] a = Arrays.copyOfRange(logits.values(), at, at + n * n);
            double[] g = Arrays.copyOfRange(upstream.values(), at, at + n * n);
            System.arraycopy(naive.forward(a), 0, expected, at, n * n);
            System.arraycopy(naive.backward(a, g), 0, expectedGradient, at, n * n);
        }
        Tolerance tolerance = Tolerance.of(backend, n).times(2);
        assertClose("comb", expected, comb, tolerance);
        // The gradient is a difference of sums as large as the upstream gradient; errors of each of R steps add up.
        assertClose("gradient", expectedGradient, gradient, tolerance.withFloor(1));
    }

    @Property(tries = 60)
    void neverNaNAndNoWorseThanFloat32(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = 0, max = 1e4) double largest,
            @ForAll boolean grid,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Sample drawn = Sample.gaussian("logits", random, n, n);
        Sample logits =
                grid ? drawn.map(v -> largest * onGrid(v)) : drawn.map(v -> Math.clamp(v * largest, -largest, largest));
        double[] expected = new NaiveSinkhorn(n, 20, EPS).forward(logits.values());
        double[] actual = Sinkhorn.sinkhorn(logits.on(backend), 20, EPS).toDoubles();
        for (int i = 0; i < actual.length; i++) {
            assertTrue(actual[i] > 0 && actual[i] <= 1 + 1e-6, "entry " + actual[i]);
            assertEquals(expected[i], actual[i], 1e-6);
        }
    }

    @Property(tries = 100)
    void targetsGetAConvexCombination(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 10, max = 30) int iterations,
            @ForAll @DoubleRange(min = 0, max = 30) double spread,
            @ForAll long seed) {
        var naive = new NaiveSinkhorn(n, iterations, EPS);
        double[] comb = naive.forward(logits(seed, spread, 1, n).values());
        for (double sum : naive.columnSums(comb)) {
            assertEquals(1 - EPS, sum, EPS);
            assertTrue(sum <= 1 + 1e-15, "column sum " + sum);
        }
    }

    @Property(tries = 60)
    void aTargetSumsToWhatTheLastDivisionLeaves(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 4) int iterations,
            @ForAll @DoubleRange(min = 0, max = 30) double spread,
            @ForAll long seed) {
        double[] logits = logits(seed, spread, 1, n).values();
        var naive = new NaiveSinkhorn(n, iterations, EPS);
        double[] before = iterations == 1
                ? softmaxOfRows(logits, n)
                : dividedByRows(new NaiveSinkhorn(n, iterations - 1, EPS).forward(logits), n);
        double[] last = naive.columnSums(before);
        double[] sums = naive.columnSums(naive.forward(logits));
        for (int k = 0; k < n; k++) {
            assertEquals(last[k] / (last[k] + EPS), sums[k], 1e-14);
        }
    }

    private static double[] softmaxOfRows(double[] logits, int n) {
        double[] x = new double[n * n];
        for (int j = 0; j < n; j++) {
            double max = Arrays.stream(logits, j * n, (j + 1) * n).reduce(Double.NEGATIVE_INFINITY, Math::max);
            double sum = Arrays.stream(logits, j * n, (j + 1) * n)
                    .map(logit -> Math.exp(logit - max))
                    .sum();
            for (int k = 0; k < n; k++) {
                x[j * n + k] = Math.exp(logits[j * n + k] - max) / sum + EPS;
            }
        }
        return x;
    }

    private static double[] dividedByRows(double[] matrix, int n) {
        double[] sums = new SquareMatrix(n, matrix).rowSums();
        double[] x = matrix.clone();
        for (int i = 0; i < x.length; i++) {
            x[i] /= sums[i / n] + EPS;
        }
        return x;
    }

    @Property(tries = 100)
    void sourcesConvergeAndStayWithinTheKnownBound(
            @ForAll @DoubleRange(min = 0, max = 30) double spread, @ForAll long seed) {
        staysWithinTheKnownBound(logits(seed, spread, 1, 4).values());
        for (double largest : new double[] {1, 10, 20, 100, 1e4}) {
            staysWithinTheKnownBound(
                    logits(seed, 1, 1, 4).map(v -> largest * onGrid(v)).values());
        }
    }

    /** −1, 0 or 1, a third of them each. */
    private static double onGrid(double gaussian) {
        return Math.abs(gaussian) < 0.43 ? 0 : Math.signum(gaussian);
    }

    private static void staysWithinTheKnownBound(double[] logits) {
        int n = 4;
        double last = Double.POSITIVE_INFINITY;
        for (int iterations : new int[] {1, 2, 5, 10, 20}) {
            var naive = new NaiveSinkhorn(n, iterations, EPS);
            double error = 0;
            double worst = 0;
            for (double sum : naive.rowSums(naive.forward(logits))) {
                error += Math.abs(sum - 1);
                worst = Math.max(worst, Math.abs(sum - 1));
            }
            assertTrue(error <= last + n * EPS, "L1 error rose from " + last + " to " + error);
            last = error;
            assertTrue(iterations < 20 || worst < 0.1, "row sum off by " + worst);
        }
    }

    @Property(tries = 100)
    void aConstantAddedToASourceChangesNothing(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = -20, max = 20) double constant,
            @ForAll long seed) {
        double[] logits = logits(seed, 2, 1, n).values();
        double[] shifted = logits.clone();
        int source = (int) Math.floorMod(seed, (long) n);
        for (int k = 0; k < n; k++) {
            shifted[source * n + k] += constant;
        }
        var naive = new NaiveSinkhorn(n, 20, EPS);
        assertClose("shifted", naive.forward(logits), naive.forward(shifted), Tolerance.float64(10_000));
    }

    @Property(tries = 60)
    void commutesWithPermutations(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        int[] sources = random.fork("sources").permutation(n);
        int[] targets = random.fork("targets").permutation(n);
        double[] logits = logits(seed, 2, 1, n).values();
        double[] comb = Sinkhorn.sinkhorn(matrix(backend, n, logits), 20, EPS).toDoubles();
        Tensor permuted = Sinkhorn.sinkhorn(matrix(backend, n, permuted(logits, sources, targets)), 20, EPS);
        assertClose("permuted", permuted(comb, sources, targets), permuted, Tolerance.of(backend, n));
    }

    @Property(tries = 40)
    void zeroLogitsMixEvenly(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 20) int iterations) {
        double[] comb = Sinkhorn.sinkhorn(matrix(backend, n, new double[n * n]), iterations, EPS)
                .toDoubles();
        for (double entry : comb) {
            assertEquals(1.0 / n, entry, 3 * EPS);
        }
    }

    @Property(tries = 60)
    void crossRatiosAreThoseOfTheStart(@ForAll @DoubleRange(min = 0, max = 4) double spread, @ForAll long seed) {
        int n = 4;
        double[] logits = logits(seed, spread, 1, n).values();
        double[] start = softmaxOfRows(logits, n);
        double[] end = new NaiveSinkhorn(n, 20, EPS).forward(logits);
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                double before = start[0] * start[i * n + k] / (start[k] * start[i * n]);
                double after = end[0] * end[i * n + k] / (end[k] * end[i * n]);
                assertEquals(1, after / before, 1e-10);
            }
        }
    }

    @Property(tries = 60)
    void theGradientOfASourceSumsToZero(
            @ForAll @IntRange(min = 2, max = 8) int n,
            @ForAll @DoubleRange(min = 0, max = 8) double spread,
            @ForAll long seed) {
        double[] logits = logits(seed, spread, 1, n).values();
        double[] upstream =
                Sample.gaussian("upstream", RandomStream.of(seed), n, n).values();
        double[] gradient = new NaiveSinkhorn(n, 20, EPS).backward(logits, upstream);
        for (double sum : new NaiveSinkhorn(n, 20, EPS).rowSums(gradient)) {
            assertEquals(0, sum, 1e-12);
        }
    }

    private static Sample logits(long seed, double spread, int matrices, int n) {
        return Sample.gaussian("logits", RandomStream.of(seed), matrices, n, n).map(v -> v * spread);
    }

    private static Tensor matrix(Backend backend, int n, double[] values) {
        return backend.tensors().doubles(Shape.of(n, n), values);
    }

    private static double[] permuted(double[] matrix, int[] rows, int[] columns) {
        int n = rows.length;
        double[] out = new double[n * n];
        for (int j = 0; j < n; j++) {
            for (int k = 0; k < n; k++) {
                out[j * n + k] = matrix[rows[j] * n + columns[k]];
            }
        }
        return out;
    }
}
