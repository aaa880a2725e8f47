package org.filigree.core.backend.simd;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** The logistic function 1/(1+e⁻ˣ) and its relatives over runs of arrays, from e^−|x| so that nothing overflows. */
public final class Sigmoid {
    /** Elements of the exponentials that wait in the first-level cache for the next loop. */
    public static final int BLOCK = 1024;

    private Sigmoid() {}

    /**
     * y = σ(x).
     *
     * @param x arguments
     * @param y results, at the same places; not x itself
     * @param from first place
     * @param to last place, exclusive
     */
    public static void sigmoid(float[] x, float[] y, int from, int to) {
        for (int at = from; at < to; at += BLOCK) {
            int end = Math.min(to, at + BLOCK);
            Exponential.ofMinusMagnitude(x, at, y, at, end - at);
            fromExponentials(x, y, at, end);
        }
    }

    private static void fromExponentials(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector e = FloatVector.fromArray(F, y, i);
            e.blend(1f, FloatVector.fromArray(F, x, i).compare(VectorOperators.GE, 0f))
                    .div(e.add(1f))
                    .intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = (x[i] >= 0f ? 1f : y[i]) / (y[i] + 1f);
        }
    }

    /**
     * y = x·σ(x).
     *
     * @param x arguments
     * @param y results, at the same places; not x itself
     * @param from first place
     * @param to last place, exclusive
     */
    public static void silu(float[] x, float[] y, int from, int to) {
        for (int at = from; at < to; at += BLOCK) {
            int end = Math.min(to, at + BLOCK);
            sigmoid(x, y, at, end);
            times(x, y, at, end);
        }
    }

    private static void times(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] *= x[i];
        }
    }

    /**
     * dx = dy·σ(x)·(1 + x·(1 − σ(x))).
     *
     * @param x arguments
     * @param dy gradients of the results
     * @param dx gradients of the arguments; neither x nor dy itself
     * @param from first place
     * @param to last place, exclusive
     */
    public static void siluGradient(float[] x, float[] dy, float[] dx, int from, int to) {
        for (int at = from; at < to; at += BLOCK) {
            int end = Math.min(to, at + BLOCK);
            sigmoid(x, dx, at, end);
            siluGradientFromSigmoid(x, dy, dx, at, end);
        }
    }

    private static void siluGradientFromSigmoid(float[] x, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = dy[i] * (dx[i] * (1f + x[i] * (1f - dx[i])));
        }
    }

    /**
     * y = tanh x: an odd polynomial near 0, where (1 − e^−2|x|)/(1 + e^−2|x|) would cancel.
     *
     * @param x arguments
     * @param y results, at the same places; not x itself
     * @param from first place
     * @param to last place, exclusive
     */
    public static void tanh(float[] x, float[] y, int from, int to) {
        for (int at = from; at < to; at += BLOCK) {
            int end = Math.min(to, at + BLOCK);
            twice(x, y, at, end);
            Exponential.ofMinusMagnitude(y, at, y, at, end - at);
            tanhFromExponentials(x, y, at, end);
        }
    }

    private static void twice(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = x[i] + x[i];
        }
    }

    private static void tanhFromExponentials(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            tanhFromExponentials(x, y, i);
        }
        if (i < to) {
            float[] argument = new float[LANES];
            float[] value = new float[LANES];
            System.arraycopy(x, i, argument, 0, to - i);
            System.arraycopy(y, i, value, 0, to - i);
            tanhFromExponentials(argument, value, 0);
            System.arraycopy(value, 0, y, i, to - i);
        }
    }

    private static void tanhFromExponentials(float[] x, float[] y, int i) {
        FloatVector v = FloatVector.fromArray(F, x, i);
        FloatVector e = FloatVector.fromArray(F, y, i);
        FloatVector z = v.mul(v);
        FloatVector p = FloatVector.broadcast(F, -0.0057049887f).fma(z, FloatVector.broadcast(F, 0.020639088f));
        p = p.fma(z, FloatVector.broadcast(F, -0.053739715f));
        p = p.fma(z, FloatVector.broadcast(F, 0.13331442f));
        p = p.fma(z, FloatVector.broadcast(F, -0.3333328f));
        FloatVector near = p.mul(z).fma(v, v);
        FloatVector far = FloatVector.broadcast(F, 1f).sub(e).div(e.add(1f));
        far.blend(far.neg(), v.compare(VectorOperators.LT, 0f))
                .blend(near, v.abs().compare(VectorOperators.LT, 0.625f))
                .intoArray(y, i);
    }

    /**
     * y = ln(1+eˣ), x above 20; where e^−|x| is small, by the series of the logarithm.
     *
     * @param x arguments
     * @param y results, at the same places; not x itself
     * @param from first place
     * @param to last place, exclusive
     */
    public static void softplus(float[] x, float[] y, int from, int to) {
        float[] logarithms = new float[Math.min(BLOCK, to - from)];
        for (int at = from; at < to; at += BLOCK) {
            int end = Math.min(to, at + BLOCK);
            Exponential.ofMinusMagnitude(x, at, y, at, end - at);
            onePlus(y, at, logarithms, end - at);
            Logarithm.log(logarithms, 0, logarithms, 0, end - at);
            softplusFromLogarithms(x, logarithms, y, at, end);
        }
    }

    private static void onePlus(float[] x, int at, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            y[i] = 1f + x[at + i];
        }
    }

    private static void softplusFromLogarithms(float[] x, float[] logarithms, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector u = FloatVector.fromArray(F, y, i);
            FloatVector series = u.sub(u.mul(u).mul(0.5f));
            FloatVector.fromArray(F, logarithms, i - from)
                    .blend(series, u.compare(VectorOperators.LT, 1e-4f))
                    .add(v.max(0f))
                    .blend(v, v.compare(VectorOperators.GT, 20f))
                    .intoArray(y, i);
        }
        for (; i < to; i++) {
            float u = y[i];
            float log = u < 1e-4f ? u - u * u * 0.5f : logarithms[i - from];
            y[i] = x[i] > 20f ? x[i] : log + Math.max(x[i], 0f);
        }
    }
}
