package org.filigree.core.backend.vector;

import static org.filigree.core.backend.vector.VectorMath.F;
import static org.filigree.core.backend.vector.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.filigree.core.backend.Unary;

/** dx = dy·f′(x) over a range of an array, from the result y where that saves evaluating f again. */
final class UnaryGradientLoops {
    private UnaryGradientLoops() {}

    static void apply(Unary function, float[] x, float[] y, float[] dy, float[] dx, int from, int to) {
        switch (function) {
            case NEGATE -> negate(dy, dx, from, to);
            case EXP -> product(dy, y, dx, from, to);
            case LOG -> quotient(dy, x, dx, from, to);
            case SQRT -> sqrt(y, dy, dx, from, to);
            case RSQRT -> rsqrt(y, dy, dx, from, to);
            case RECIPROCAL -> reciprocal(y, dy, dx, from, to);
            case SQUARE -> square(x, dy, dx, from, to);
            case ABS -> abs(x, dy, dx, from, to);
            case SIGN -> {}
            case SIGMOID -> sigmoid(y, dy, dx, from, to);
            case TANH -> tanh(y, dy, dx, from, to);
            case SILU -> silu(x, dy, dx, from, to);
            case SOFTPLUS -> softplus(x, dy, dx, from, to);
            case RELU -> relu(x, dy, dx, from, to);
        }
    }

    private static void negate(float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = -dy[i];
        }
    }

    private static void product(float[] dy, float[] y, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = dy[i] * y[i];
        }
    }

    private static void quotient(float[] dy, float[] x, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = dy[i] / x[i];
        }
    }

    private static void sqrt(float[] y, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = 0.5f * dy[i] / y[i];
        }
    }

    private static void rsqrt(float[] y, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = -0.5f * dy[i] * (y[i] * y[i] * y[i]);
        }
    }

    private static void reciprocal(float[] y, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = -dy[i] * (y[i] * y[i]);
        }
    }

    private static void square(float[] x, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = 2f * dy[i] * x[i];
        }
    }

    private static void abs(float[] x, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = dy[i] * Math.signum(x[i]);
        }
    }

    private static void sigmoid(float[] y, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = dy[i] * (y[i] * (1f - y[i]));
        }
    }

    private static void tanh(float[] y, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = dy[i] * (1f - y[i] * y[i]);
        }
    }

    private static void relu(float[] x, float[] dy, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = x[i] > 0f ? dy[i] : 0f;
        }
    }

    private static void silu(float[] x, float[] dy, float[] dx, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            siluSlope(FloatVector.fromArray(F, x, i))
                    .mul(FloatVector.fromArray(F, dy, i))
                    .intoArray(dx, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            siluSlope(FloatVector.fromArray(F, x, i, rest))
                    .mul(FloatVector.fromArray(F, dy, i, rest))
                    .intoArray(dx, i, rest);
        }
    }

    /** σ(x)·(1 + x·(1 − σ(x))). */
    static FloatVector siluSlope(FloatVector x) {
        FloatVector s = VectorMath.sigmoid(x);
        FloatVector one = FloatVector.broadcast(F, 1f);
        return one.sub(s).fma(x, one).mul(s);
    }

    private static void softplus(float[] x, float[] dy, float[] dx, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            VectorMath.sigmoid(FloatVector.fromArray(F, x, i))
                    .mul(FloatVector.fromArray(F, dy, i))
                    .intoArray(dx, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            VectorMath.sigmoid(FloatVector.fromArray(F, x, i, rest))
                    .mul(FloatVector.fromArray(F, dy, i, rest))
                    .intoArray(dx, i, rest);
        }
    }
}
