package org.filigree.mhc;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.filigree.core.backend.simd.Exponential;

/**
 * {@link Sinkhorn} for as many matrices at a time as a vector has lanes: entry e of matrix t of a group is float e·LANES + t of a small
 * array, so that a sum over rows or columns is a sum of vectors. A matrix's result does not depend on its place in the group. Runs on
 * the calling thread.
 *
 * @param n rows and columns of a matrix
 * @param iterations R, how often columns are normalised
 * @param eps ε
 */
record SinkhornLanes(int n, int iterations, float eps) {
    /**
     * Floats that {@link #forward} needs to work in, with any contents.
     *
     * @return length of its scratch array
     */
    int forwardScratch() {
        return n * n * LANES;
    }

    /**
     * Floats that {@link #gradient} needs to work in, with any contents.
     *
     * @return length of its scratch array
     */
    int gradientScratch() {
        return (2 * iterations + 2) * n * n * LANES;
    }

    /**
     * Normalises {@code count} row-major matrices that follow one another.
     *
     * @param logits holds the matrices
     * @param at where they begin
     * @param count how many
     * @param out gets the results; may be {@code logits}
     * @param outAt where they begin
     * @param scratch {@link #forwardScratch} floats or more
     */
    void forward(float[] logits, int at, int count, float[] out, int outAt, float[] scratch) {
        int area = n * n;
        for (int first = 0; first < count; first += LANES) {
            int matrices = Math.min(LANES, count - first);
            intoLanes(logits, at + first * area, matrices, area, scratch, 0);
            softmax(scratch, 0, n);
            shift(scratch, 0, area, eps, scratch, 0);
            divide(scratch, 0, 0);
            fromLanes(scratch, 0, matrices, area, out, outAt + first * area);
        }
    }

    /**
     * The gradient of the logits; runs the forward pass again.
     *
     * <p>With x₀ the softmax plus ε and x₁, x₂, … the results of the divisions, the gradient g of x walks back by g ← (g − Σ g∘x′)/(s+ε).
     * h = g∘x walks back by h ← h − x′ Σ h, since x = x′(s+ε): no divisor, and half the arithmetic.
     *
     * @param logits holds the matrices
     * @param at where they begin
     * @param count how many
     * @param dy holds the gradients of the results
     * @param dyAt where they begin
     * @param out gets the gradients of the logits; may be {@code logits} or {@code dy}
     * @param outAt where they begin
     * @param scratch {@link #gradientScratch} floats or more
     */
    void gradient(float[] logits, int at, int count, float[] dy, int dyAt, float[] out, int outAt, float[] scratch) {
        int area = n * n;
        int block = area * LANES;
        int hAt = block;
        int resultsAt = 2 * block;
        for (int first = 0; first < count; first += LANES) {
            int matrices = Math.min(LANES, count - first);
            intoLanes(logits, at + first * area, matrices, area, scratch, 0);
            intoLanes(dy, dyAt + first * area, matrices, area, scratch, hAt);
            softmax(scratch, 0, n);
            shift(scratch, 0, area, eps, scratch, resultsAt);
            divide(scratch, resultsAt, block);
            walkBack(scratch, hAt, resultsAt, block);
            throughSoftmax(scratch, n, hAt, resultsAt);
            fromLanes(scratch, hAt, matrices, area, out, outAt + first * area);
        }
    }

    /** Step i leaves its result {@code stride} floats after its argument. */
    private void divide(float[] x, int at, int stride) {
        if (n == 4) {
            SinkhornOfFour.divide(x, at, stride, iterations, eps);
            return;
        }
        int from = at;
        for (int step = 0; step < 2 * iterations - 1; step++, from += stride) {
            boolean columns = step % 2 == 0;
            divideLines(x, from, from + stride, n, columns ? 1 : n, columns ? n : 1, eps);
        }
    }

    private void walkBack(float[] scratch, int hAt, int resultsAt, int block) {
        int steps = 2 * iterations - 1;
        multiply(scratch, hAt, resultsAt + steps * block, block);
        if (n == 4) {
            SinkhornOfFour.walkBack(scratch, hAt, resultsAt, iterations);
            return;
        }
        for (int step = steps - 1; step >= 0; step--) {
            boolean columns = step % 2 == 0;
            project(scratch, hAt, resultsAt + (step + 1) * block, n, columns ? 1 : n, columns ? n : 1);
        }
    }

    private static void intoLanes(float[] matrices, int at, int count, int area, float[] lanes, int lanesAt) {
        if (count < LANES) {
            Arrays.fill(lanes, lanesAt, lanesAt + area * LANES, 0f);
        }
        for (int t = 0; t < count; t++) {
            for (int e = 0; e < area; e++) {
                lanes[lanesAt + e * LANES + t] = matrices[at + t * area + e];
            }
        }
    }

    private static void fromLanes(float[] lanes, int lanesAt, int count, int area, float[] matrices, int at) {
        for (int t = 0; t < count; t++) {
            for (int e = 0; e < area; e++) {
                matrices[at + t * area + e] = lanes[lanesAt + e * LANES + t];
            }
        }
    }

    /** Of each row, in place. A row of −∞ becomes zeros. */
    private static void softmax(float[] x, int at, int n) {
        subtractRowMaxima(x, at, n);
        Exponential.ofDifference(x, at, 0f, x, at, n * n * LANES);
        normaliseRows(x, at, n);
    }

    private static void subtractRowMaxima(float[] x, int at, int n) {
        for (int j = 0; j < n; j++) {
            int row = at + j * n * LANES;
            // Not −∞, which −∞ less it would make NaN.
            FloatVector max = FloatVector.broadcast(F, -Float.MAX_VALUE);
            for (int k = 0; k < n; k++) {
                max = max.max(FloatVector.fromArray(F, x, row + k * LANES));
            }
            for (int k = 0; k < n; k++) {
                FloatVector.fromArray(F, x, row + k * LANES).sub(max).intoArray(x, row + k * LANES);
            }
        }
    }

    private static void normaliseRows(float[] x, int at, int n) {
        for (int j = 0; j < n; j++) {
            int row = at + j * n * LANES;
            FloatVector sum = FloatVector.fromArray(F, x, row);
            for (int k = 1; k < n; k++) {
                sum = sum.add(FloatVector.fromArray(F, x, row + k * LANES));
            }
            // The largest entry is 1, so only a row of zeros has less.
            FloatVector reciprocal = FloatVector.broadcast(F, 1f).div(sum.max(1f));
            for (int k = 0; k < n; k++) {
                FloatVector.fromArray(F, x, row + k * LANES).mul(reciprocal).intoArray(x, row + k * LANES);
            }
        }
    }

    private static void shift(float[] x, int at, int vectors, float eps, float[] y, int yAt) {
        for (int i = 0; i < vectors * LANES; i += LANES) {
            FloatVector.fromArray(F, x, at + i).add(eps).intoArray(y, yAt + i);
        }
    }

    private static void multiply(float[] x, int at, int byAt, int length) {
        for (int i = 0; i < length; i += LANES) {
            FloatVector.fromArray(F, x, at + i)
                    .mul(FloatVector.fromArray(F, x, byAt + i))
                    .intoArray(x, at + i);
        }
    }

    private static void divideLines(float[] x, int from, int to, int n, int lineStride, int stride, float eps) {
        for (int line = 0; line < n; line++) {
            int start = line * lineStride * LANES;
            FloatVector sum = FloatVector.fromArray(F, x, from + start);
            for (int i = 1; i < n; i++) {
                sum = sum.add(FloatVector.fromArray(F, x, from + start + i * stride * LANES));
            }
            FloatVector reciprocal = FloatVector.broadcast(F, 1f).div(sum.add(eps));
            for (int i = 0; i < n; i++) {
                int entry = start + i * stride * LANES;
                FloatVector.fromArray(F, x, from + entry).mul(reciprocal).intoArray(x, to + entry);
            }
        }
    }

    /** h ← h − x′ Σ h along each line. */
    private static void project(float[] scratch, int hAt, int resultAt, int n, int lineStride, int stride) {
        for (int line = 0; line < n; line++) {
            int start = line * lineStride * LANES;
            FloatVector sum = FloatVector.fromArray(F, scratch, hAt + start);
            for (int i = 1; i < n; i++) {
                sum = sum.add(FloatVector.fromArray(F, scratch, hAt + start + i * stride * LANES));
            }
            FloatVector minus = sum.neg();
            for (int i = 0; i < n; i++) {
                int entry = start + i * stride * LANES;
                FloatVector.fromArray(F, scratch, resultAt + entry)
                        .fma(minus, FloatVector.fromArray(F, scratch, hAt + entry))
                        .intoArray(scratch, hAt + entry);
            }
        }
    }

    /** From h = g∘x₀ to S∘(g − Σ g∘S) with x₀ = S + ε, in place. */
    private static void throughSoftmax(float[] scratch, int n, int hAt, int x0At) {
        for (int j = 0; j < n; j++) {
            int row = j * n * LANES;
            FloatVector inner = FloatVector.zero(F);
            for (int k = 0; k < n; k++) {
                int entry = row + k * LANES;
                // Without ε, 0/0 where a probability has underflowed; the gradient there is 0.
                FloatVector g = FloatVector.fromArray(F, scratch, hAt + entry)
                        .div(FloatVector.fromArray(F, scratch, x0At + entry).max(Float.MIN_NORMAL));
                g.intoArray(scratch, hAt + entry);
                inner = g.fma(FloatVector.fromArray(F, scratch, entry), inner);
            }
            for (int k = 0; k < n; k++) {
                int entry = row + k * LANES;
                FloatVector.fromArray(F, scratch, hAt + entry)
                        .sub(inner)
                        .mul(FloatVector.fromArray(F, scratch, entry))
                        .intoArray(scratch, hAt + entry);
            }
        }
    }
}
