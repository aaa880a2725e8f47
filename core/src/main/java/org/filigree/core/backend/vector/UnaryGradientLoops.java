package org.filigree.core.backend.vector;

import org.filigree.core.backend.Unary;
import org.filigree.core.backend.simd.Sigmoid;

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
            case SILU -> Sigmoid.siluGradient(x, dy, dx, from, to);
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

    private static void softplus(float[] x, float[] dy, float[] dx, int from, int to) {
        for (int at = from; at < to; at += Sigmoid.BLOCK) {
            int end = Math.min(to, at + Sigmoid.BLOCK);
            Sigmoid.sigmoid(x, dx, at, end);
            product(dy, dx, dx, at, end);
        }
    }
}
