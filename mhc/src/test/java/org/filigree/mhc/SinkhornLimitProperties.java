package org.filigree.mhc;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Reduce;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;
import tools.jackson.databind.JsonNode;

/** What mixes tend to as iterations and layers become many; {@link NewtonSinkhorn} gives the limit. */
class SinkhornLimitProperties {
    private static final double EPS = 1e-6;

    /** Enough for logits of deviation 1 to converge to the last bits. */
    private static final int MANY = 1000;

    @Property(tries = 60)
    void theMeanOfTheStreamsIsKeptAsFarAsRowsSumToOne(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = 1, max = 10) double spread,
            @ForAll long seed) {
        StepCase step = StepCase.random(n, 5, RandomStream.of(seed), 1);
        HyperConnections connections = step.connections(backend);
        Tensor streams = scale(step.x().on(backend), spread);
        double[] before = Reduce.mean(streams, -2).toDoubles();
        double[] after =
                Reduce.mean(connections.apply(streams, u -> scale(u, 0)), -2).toDoubles();
        double error = 0;
        SquareMatrix comb =
                new SquareMatrix(n, connections.weights(streams).comb().toDoubles());
        for (double sum : comb.rowSums()) {
            error = Math.max(error, Math.abs(sum - 1));
        }
        double largest = Arrays.stream(streams.toDoubles()).map(Math::abs).reduce(0, Math::max);
        for (int c = 0; c < before.length; c++) {
            assertEquals(before[c], after[c], (error + 16 * 0x1p-24 * Math.sqrt(n)) * largest);
        }
    }

    @Property(tries = 40)
    void theLimitKeepsTheMeanAndHasNormOne(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = 0, max = 4) double spread,
            @ForAll long seed) {
        SquareMatrix p = new NewtonSinkhorn(n).limit(logits(seed, spread, n));
        double[] x = Sample.gaussian("x", RandomStream.of(seed), n).values();
        double before = 0;
        double after = 0;
        for (int j = 0; j < n; j++) {
            before += x[j] / n;
            for (int k = 0; k < n; k++) {
                after += p.at(j, k) * x[j] / n;
            }
        }
        assertEquals(before, after, 1e-12);
        assertEquals(1, p.spectralNorm(), 1e-10);
    }

    @Property(tries = 100)
    void theSpectralNormLiesBelowTheRootOfBothSums(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 20) int iterations,
            @ForAll @DoubleRange(min = 0, max = 10) double spread,
            @ForAll long seed) {
        SquareMatrix comb = naive(n, iterations, logits(seed, spread, n));
        double bound = Math.sqrt(max(comb.rowSums()) * max(comb.columnSums()));
        double mean = Arrays.stream(comb.entries()).sum() / n;
        double norm = comb.spectralNorm();
        assertTrue(norm <= bound * (1 + 1e-12), norm + " above " + bound);
        assertTrue(norm >= mean * (1 - 1e-9), norm + " below " + mean);
        assertTrue(iterations < 20 || n != 4 || norm <= Math.sqrt(1.1), "norm " + norm);
    }

    @Property(tries = 30)
    void sixtyLayersNeitherAmplifyNorForgetWhatGoesForward(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 10, max = 20) int iterations,
            @ForAll @DoubleRange(min = 0, max = 30) double spread,
            @ForAll long seed) {
        int depth = 60;
        double least = Math.pow(1 - 2 * EPS, depth);
        Sample logits =
                Sample.gaussian("logits", RandomStream.of(seed), depth, n, n).map(v -> v * spread);
        double[] combs = Sinkhorn.sinkhorn(logits.on(backend), iterations, EPS).toDoubles();
        SquareMatrix exact = SquareMatrix.identity(n);
        SquareMatrix rounded = SquareMatrix.identity(n);
        for (int l = 0; l < depth; l++) {
            int at = l * n * n;
            exact = exact.times(naive(n, iterations, Arrays.copyOfRange(logits.values(), at, at + n * n)));
            rounded = rounded.times(new SquareMatrix(n, Arrays.copyOfRange(combs, at, at + n * n)));
        }
        double gain = Gain.of(exact.transposed().rows()).forward();
        assertTrue(gain >= least && gain <= 1 + 1e-13, "gain " + gain);
        double slack = depth * 0x1p-24 * n;
        double roundedGain = Gain.of(rounded.transposed().rows()).forward();
        assertTrue(roundedGain >= least - slack && roundedGain <= 1 + slack, "gain " + roundedGain);
    }

    @Property(tries = 30)
    void aProductOfLimitsIsDoublyStochastic(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 20) int depth,
            @ForAll long seed) {
        SquareMatrix product = SquareMatrix.identity(n);
        for (int l = 0; l < depth; l++) {
            product = product.times(new NewtonSinkhorn(n).limit(logits(seed + l, 2, n)));
        }
        Gain gain = Gain.of(product.rows());
        assertEquals(1, gain.forward(), 1e-11);
        assertEquals(1, gain.backward(), 1e-11);
        assertTrue(Arrays.stream(product.entries()).allMatch(entry -> entry >= 0));
    }

    @Property(tries = 20)
    void iterationsLeadToTheLimitAndTheirGradientsToTheImplicitOne(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = 0, max = 1) double spread,
            @ForAll long seed) {
        double[] logits = logits(seed, spread, n);
        double[] upstream =
                Sample.gaussian("upstream", RandomStream.of(seed), n, n).values();
        SquareMatrix limit = new NewtonSinkhorn(n).limit(logits);
        var implicit = new SquareMatrix(n, new NewtonSinkhorn(n).gradient(limit, upstream));
        double last = Double.POSITIVE_INFINITY;
        for (int iterations : new int[] {1, 5, 20, MANY}) {
            var sinkhorn = new NaiveSinkhorn(n, iterations, 0);
            var gradient = new SquareMatrix(n, sinkhorn.backward(logits, upstream));
            double distance = gradient.distanceTo(implicit);
            assertTrue(distance <= last + 1e-10, "the gradient's distance rose from " + last + " to " + distance);
            last = distance;
            assertTrue(iterations < MANY || limit.distanceTo(naive(n, iterations, 0, logits)) < 1e-11);
        }
        assertEquals(0, last, 1e-9);
    }

    @Example
    void theGoldenLimitAndItsGradient() {
        JsonNode golden = Golden.entry("sinkhorn_implicit");
        double[] logits = Golden.values(golden, "logits");
        double[] upstream = Golden.values(golden, "grad_out");
        var newton = new NewtonSinkhorn(4);
        SquareMatrix limit = newton.limit(logits);
        Tolerance tolerance = Tolerance.relative(1e-12);
        assertClose("limit", Golden.values(golden, "P_converged"), limit.entries(), tolerance);
        assertClose(
                "gradient",
                Golden.values(golden, "grad_logits_limit"),
                newton.gradient(limit, upstream),
                tolerance.withFloor(1));
    }

    @Property(tries = 30)
    void theGradientIsOrthogonalToShiftsOfSourcesAndInTheLimitOfTargets(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = 0, max = 1) double spread,
            @ForAll long seed) {
        double[] logits = logits(seed, spread, n);
        double[] upstream =
                Sample.gaussian("upstream", RandomStream.of(seed), n, n).values();
        double last = Double.POSITIVE_INFINITY;
        for (int iterations : new int[] {1, 20, MANY}) {
            var gradient = new SquareMatrix(n, new NaiveSinkhorn(n, iterations, 0).backward(logits, upstream));
            assertEquals(0, largest(gradient.rowSums()), 1e-12);
            double error = largest(gradient.columnSums());
            assertTrue(error <= last + 1e-10, "column sums rose from " + last + " to " + error);
            last = error;
        }
        assertEquals(0, last, 1e-9);
    }

    @Property(tries = 30)
    void aConstantAddedToATargetVanishesInTheLimit(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = -2, max = 2) double constant,
            @ForAll long seed) {
        double[] logits = logits(seed, 1, n);
        double[] shifted = logits.clone();
        int target = (int) Math.floorMod(seed, (long) n);
        for (int j = 0; j < n; j++) {
            shifted[j * n + target] += constant;
        }
        SquareMatrix plain = naive(n, MANY, 0, logits);
        assertEquals(0, plain.distanceTo(naive(n, MANY, 0, shifted)), 1e-11);
        assertTrue(n == 1
                || Math.abs(constant) < 0.1
                || naive(n, 1, 0, logits).distanceTo(naive(n, 1, 0, shifted)) > 1e-6);
    }

    private static SquareMatrix naive(int n, int iterations, double[] logits) {
        return naive(n, iterations, EPS, logits);
    }

    private static SquareMatrix naive(int n, int iterations, double eps, double[] logits) {
        return new SquareMatrix(n, new NaiveSinkhorn(n, iterations, eps).forward(logits));
    }

    private static double[] logits(long seed, double spread, int n) {
        return Sample.gaussian("logits", RandomStream.of(seed), n, n)
                .map(v -> v * spread)
                .values();
    }

    private static double max(double[] values) {
        return Arrays.stream(values).reduce(Double.NEGATIVE_INFINITY, Math::max);
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).map(Math::abs).reduce(0, Math::max);
    }
}
