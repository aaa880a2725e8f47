package org.filigree.core.backend.vector;

import org.filigree.core.backend.Unary;
import org.filigree.core.backend.simd.Exponential;
import org.filigree.core.backend.simd.Logarithm;
import org.filigree.core.backend.simd.Sigmoid;

/**
 * y = f(x) over a range of an array. Loops of plain arithmetic are left to the compiler, which vectorises them; the transcendental
 * ones are written with vectors.
 */
final class UnaryLoops {
    private UnaryLoops() {}

    static void apply(Unary function, float[] x, float[] y, int from, int to) {
        switch (function) {
            case NEGATE -> negate(x, y, from, to);
            case EXP -> Exponential.exp(x, from, y, from, to - from);
            case LOG -> Logarithm.log(x, from, y, from, to - from);
            case SQRT -> sqrt(x, y, from, to);
            case RSQRT -> rsqrt(x, y, from, to);
            case RECIPROCAL -> reciprocal(x, y, from, to);
            case SQUARE -> square(x, y, from, to);
            case ABS -> abs(x, y, from, to);
            case SIGN -> sign(x, y, from, to);
            case SIGMOID -> Sigmoid.sigmoid(x, y, from, to);
            case TANH -> Sigmoid.tanh(x, y, from, to);
            case SILU -> Sigmoid.silu(x, y, from, to);
            case SOFTPLUS -> Sigmoid.softplus(x, y, from, to);
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
}
