package org.filigree.mhc;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.random.RandomStream;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;

class SinkhornLanesProperties {
    private static final float EPS = 1e-6f;
    private static final int MARGIN = 3;
    private static final float UNTOUCHED = -77;

    /** Kinds of logits, mixed within one group: what one matrix holds must not matter to its neighbours. */
    private static final int KINDS = 6;

    @Property(tries = 100)
    void equalThePlainLoopsWhateverTheLogits(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = -2, max = 2) int beside,
            @ForAll @IntRange(min = 0, max = 2) int groups,
            @ForAll @IntRange(min = 1, max = 24) int iterations,
            @ForAll long seed) {
        int area = n * n;
        int count = Math.max(0, groups * VectorMath.LANES + beside);
        float[] logits = logits(seed, count, n);
        float[] dy = gaussian("upstream", seed, count * area);
        Run run = run(n, iterations, logits, dy);
        var naive = new NaiveSinkhorn(n, iterations, EPS);
        Tolerance tolerance = Tolerance.float32(n).times(2);
        for (int at = 0; at < count * area; at += area) {
            double[] a = widened(logits, at, area);
            assertClose("comb", naive.forward(a), widened(run.comb, at, area), tolerance);
            // A difference of sums as large as the upstream gradient.
            assertClose(
                    "gradient",
                    naive.backward(a, widened(dy, at, area)),
                    widened(run.gradient, at, area),
                    tolerance.withFloor(1));
        }
    }

    @Property(tries = 40)
    void aMatrixHasTheSameBitsAtEveryPlace(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 40) int count,
            @ForAll long seed) {
        int area = n * n;
        float[] logits = logits(seed, count, n);
        float[] dy = gaussian("upstream", seed, count * area);
        Run together = run(n, 5, logits, dy);
        for (int at = 0; at < count * area; at += area) {
            Run alone = run(n, 5, Arrays.copyOfRange(logits, at, at + area), Arrays.copyOfRange(dy, at, at + area));
            assertArrayEquals(alone.comb, Arrays.copyOfRange(together.comb, at, at + area));
            assertArrayEquals(alone.gradient, Arrays.copyOfRange(together.gradient, at, at + area));
        }
    }

    @Property(tries = 40)
    void aNaNSpoilsItsOwnMatrixAlone(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 40) int count,
            @ForAll @IntRange(min = 0, max = 1_000_000) int place,
            @ForAll long seed) {
        int area = n * n;
        float[] logits = logits(seed, count, n);
        float[] dy = gaussian("upstream", seed, count * area);
        Run clean = run(n, 5, logits, dy);
        int nan = place % logits.length;
        logits[nan] = Float.NaN;
        Run spoiled = run(n, 5, logits, dy);
        for (int i = 0; i < logits.length; i++) {
            if (i / area == nan / area) {
                assertTrue(Float.isNaN(spoiled.comb[i]) && Float.isNaN(spoiled.gradient[i]), "entry " + i);
            } else {
                assertEquals(clean.comb[i], spoiled.comb[i]);
                assertEquals(clean.gradient[i], spoiled.gradient[i]);
            }
        }
    }

    /** The first call is interpreted, if no other test has come before it; the last is compiled. */
    @Property(tries = 8)
    void compilationChangesNoBits(@ForAll @IntRange(min = 1, max = 8) int n) {
        int count = VectorMath.LANES + 1;
        float[] logits = logits(5, count, n);
        float[] dy = gaussian("upstream", 5, count * n * n);
        Run first = run(n, 20, logits, dy);
        Run last = first;
        for (int i = 0; i < 500; i++) {
            last = run(n, 20, logits, dy);
        }
        assertArrayEquals(first.comb, last.comb);
        assertArrayEquals(first.gradient, last.gradient);
    }

    /** Without ε a probability that underflows is a zero in every denominator of the gradient. */
    @Property(tries = 30)
    void withoutEpsUnderflowIsNoNaN(@ForAll @IntRange(min = 2, max = 8) int n) {
        float[] logits = new float[n * n];
        Arrays.fill(logits, -200);
        for (int j = 0; j < n; j++) {
            logits[j * n + j] = 0;
        }
        float[] gradient = new float[n * n];
        var lanes = new SinkhornLanes(n, 3, 0);
        lanes.gradient(
                logits,
                0,
                1,
                gaussian("upstream", 1, n * n),
                0,
                gradient,
                0,
                filled(lanes.gradientScratch(), Float.NaN));
        assertArrayEquals(new float[n * n], gradient, 1e-6f);
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared as a whole
    private record Run(float[] comb, float[] gradient) {}

    /** Both ways, in place, in the middle of larger arrays, from scratch arrays that hold NaN. */
    private static Run run(int n, int iterations, float[] logits, float[] dy) {
        var lanes = new SinkhornLanes(n, iterations, EPS);
        int count = logits.length / (n * n);
        float[] forward = framed(logits);
        lanes.forward(forward, MARGIN, count, forward, MARGIN, filled(lanes.forwardScratch(), Float.NaN));
        float[] a = framed(logits);
        float[] gradient = framed(dy);
        float[] scratch = filled(lanes.gradientScratch(), Float.NaN);
        lanes.gradient(a, MARGIN, count, gradient, MARGIN, gradient, MARGIN, scratch);
        assertArrayEquals(framed(logits), a);
        return new Run(unframed(forward), unframed(gradient));
    }

    private static float[] framed(float[] values) {
        float[] framed = filled(values.length + 2 * MARGIN, UNTOUCHED);
        System.arraycopy(values, 0, framed, MARGIN, values.length);
        return framed;
    }

    private static float[] unframed(float[] framed) {
        float[] margins = filled(MARGIN, UNTOUCHED);
        assertArrayEquals(margins, Arrays.copyOf(framed, MARGIN));
        assertArrayEquals(margins, Arrays.copyOfRange(framed, framed.length - MARGIN, framed.length));
        return Arrays.copyOfRange(framed, MARGIN, framed.length - MARGIN);
    }

    private static float[] filled(int length, float value) {
        float[] values = new float[length];
        Arrays.fill(values, value);
        return values;
    }

    private static float[] logits(long seed, int count, int n) {
        int area = n * n;
        float[] logits = gaussian("logits", seed, count * area);
        for (int i = 0; i < logits.length; i++) {
            int matrix = i / area;
            int row = i % area / n;
            int column = i % n;
            switch ((int) Math.floorMod(matrix + seed, (long) KINDS)) {
                case 0 -> logits[i] *= 8;
                case 1 -> logits[i] = logits[i] > 0 ? 1e4f : -1e4f;
                case 2 -> logits[i] = row == column ? 0 : -8;
                case 3 -> logits[i] = row == 0 ? Float.NEGATIVE_INFINITY : logits[i];
                case 4 -> logits[i] = row > 0 && column == 0 ? Float.NEGATIVE_INFINITY : logits[i];
                default -> logits[i] += 1e3f;
            }
        }
        return logits;
    }

    private static float[] gaussian(String name, long seed, int length) {
        double[] values = Sample.gaussian(name, RandomStream.of(seed), length).values();
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    private static double[] widened(float[] x, int at, int length) {
        double[] values = new double[length];
        for (int i = 0; i < length; i++) {
            values[i] = x[at + i];
        }
        return values;
    }
}
