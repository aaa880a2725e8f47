package org.filigree.core.backend.vector;

import static org.filigree.core.backend.vector.VectorMath.F;
import static org.filigree.core.backend.vector.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.filigree.core.backend.Unary;

/**
 * y = f(x) over a range of an array. Loops of plain arithmetic are left to the compiler, which vectorises them; the transcendental
 * ones are written with vectors, the last one masked.
 */
final class UnaryLoops {
    private UnaryLoops() {}

    static void apply(Unary function, float[] x, float[] y, int from, int to) {
        switch (function) {
            case NEGATE -> negate(x, y, from, to);
            case EXP -> exp(x, y, from, to);
            case LOG -> log(x, y, from, to);
            case SQRT -> sqrt(x, y, from, to);
            case RSQRT -> rsqrt(x, y, from, to);
            case RECIPROCAL -> reciprocal(x, y, from, to);
            case SQUARE -> square(x, y, from, to);
            case ABS -> abs(x, y, from, to);
            case SIGN -> sign(x, y, from, to);
            case SIGMOID -> sigmoid(x, y, from, to);
            case TANH -> tanh(x, y, from, to);
            case SILU -> silu(x, y, from, to);
            case SOFTPLUS -> softplus(x, y, from, to);
            case RELU -> relu(x, y, from, to);
        }
    }

    private static void negate(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = -x[i];
        }
    }

    private static void sqrt(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = (float) Math.sqrt(x[i]);
        }
    }

    private static void rsqrt(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = 1f / (float) Math.sqrt(x[i]);
        }
    }

    private static void reciprocal(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = 1f / x[i];
        }
    }

    private static void square(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = x[i] * x[i];
        }
    }

    private static void abs(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = Math.abs(x[i]);
        }
    }

    private static void sign(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = Math.signum(x[i]);
        }
    }

    private static void relu(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = Math.max(x[i], 0f);
        }
    }

    private static void exp(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            VectorMath.exp(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            VectorMath.exp(FloatVector.fromArray(F, x, i, rest)).intoArray(y, i, rest);
        }
    }

    private static void log(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            VectorMath.log(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            VectorMath.log(FloatVector.fromArray(F, x, i, rest)).intoArray(y, i, rest);
        }
    }

    private static void sigmoid(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            VectorMath.sigmoid(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            VectorMath.sigmoid(FloatVector.fromArray(F, x, i, rest)).intoArray(y, i, rest);
        }
    }

    private static void tanh(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            VectorMath.tanh(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            VectorMath.tanh(FloatVector.fromArray(F, x, i, rest)).intoArray(y, i, rest);
        }
    }

    private static void silu(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            VectorMath.sigmoid(v).mul(v).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            FloatVector v = FloatVector.fromArray(F, x, i, rest);
            VectorMath.sigmoid(v).mul(v).intoArray(y, i, rest);
        }
    }

    private static void softplus(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            VectorMath.softplus(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            VectorMath.softplus(FloatVector.fromArray(F, x, i, rest)).intoArray(y, i, rest);
        }
    }
}
