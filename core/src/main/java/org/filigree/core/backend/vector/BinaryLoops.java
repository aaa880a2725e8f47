package org.filigree.core.backend.vector;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.filigree.core.backend.Binary;

/**
 * c = f(a, b) over runs of arrays. Written with vectors: where the three arrays have offsets of their own, the compiler cannot rule out
 * that they overlap, and leaves a plain loop as it is.
 */
final class BinaryLoops {
    private BinaryLoops() {}

    /** Both operands advance: c[co+i] = f(a[ao+i], b[bo+i]). */
    static void apply(Binary function, float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        switch (function) {
            case ADD -> add(a, ao, b, bo, c, co, length);
            case SUBTRACT -> subtract(a, ao, b, bo, c, co, length);
            case MULTIPLY -> multiply(a, ao, b, bo, c, co, length);
            case DIVIDE -> divide(a, ao, b, bo, c, co, length);
            case MAXIMUM -> maximum(a, ao, b, bo, c, co, length);
            case MINIMUM -> minimum(a, ao, b, bo, c, co, length);
            case GREATER -> greater(a, ao, b, bo, c, co, length);
            case COPY_SIGN -> copySign(a, ao, b, bo, c, co, length);
        }
    }

    static float apply(Binary function, float a, float b) {
        return switch (function) {
            case ADD -> a + b;
            case SUBTRACT -> a - b;
            case MULTIPLY -> a * b;
            case DIVIDE -> a / b;
            case MAXIMUM -> Math.max(a, b);
            case MINIMUM -> Math.min(a, b);
            case GREATER -> a > b ? 1f : 0f;
            case COPY_SIGN -> Math.copySign(a, b);
        };
    }

    private static void add(float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        int i = 0;
        for (; i + LANES <= length; i += LANES) {
            FloatVector.fromArray(F, a, ao + i)
                    .add(FloatVector.fromArray(F, b, bo + i))
                    .intoArray(c, co + i);
        }
        for (; i < length; i++) {
            c[co + i] = a[ao + i] + b[bo + i];
        }
    }

    private static void subtract(float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        int i = 0;
        for (; i + LANES <= length; i += LANES) {
            FloatVector.fromArray(F, a, ao + i)
                    .sub(FloatVector.fromArray(F, b, bo + i))
                    .intoArray(c, co + i);
        }
        for (; i < length; i++) {
            c[co + i] = a[ao + i] - b[bo + i];
        }
    }

    private static void multiply(float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        int i = 0;
        for (; i + LANES <= length; i += LANES) {
            FloatVector.fromArray(F, a, ao + i)
                    .mul(FloatVector.fromArray(F, b, bo + i))
                    .intoArray(c, co + i);
        }
        for (; i < length; i++) {
            c[co + i] = a[ao + i] * b[bo + i];
        }
    }

    private static void divide(float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        int i = 0;
        for (; i + LANES <= length; i += LANES) {
            FloatVector.fromArray(F, a, ao + i)
                    .div(FloatVector.fromArray(F, b, bo + i))
                    .intoArray(c, co + i);
        }
        for (; i < length; i++) {
            c[co + i] = a[ao + i] / b[bo + i];
        }
    }

    private static void maximum(float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        int i = 0;
        for (; i + LANES <= length; i += LANES) {
            FloatVector.fromArray(F, a, ao + i)
                    .max(FloatVector.fromArray(F, b, bo + i))
                    .intoArray(c, co + i);
        }
        for (; i < length; i++) {
            c[co + i] = Math.max(a[ao + i], b[bo + i]);
        }
    }

    private static void minimum(float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        int i = 0;
        for (; i + LANES <= length; i += LANES) {
            FloatVector.fromArray(F, a, ao + i)
                    .min(FloatVector.fromArray(F, b, bo + i))
                    .intoArray(c, co + i);
        }
        for (; i < length; i++) {
            c[co + i] = Math.min(a[ao + i], b[bo + i]);
        }
    }

    private static void greater(float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        int i = 0;
        for (; i + LANES <= length; i += LANES) {
            FloatVector.zero(F)
                    .blend(
                            1f,
                            FloatVector.fromArray(F, a, ao + i)
                                    .compare(VectorOperators.GT, FloatVector.fromArray(F, b, bo + i)))
                    .intoArray(c, co + i);
        }
        for (; i < length; i++) {
            c[co + i] = a[ao + i] > b[bo + i] ? 1f : 0f;
        }
    }

    private static void copySign(float[] a, int ao, float[] b, int bo, float[] c, int co, int length) {
        int i = 0;
        for (; i + LANES <= length; i += LANES) {
            IntVector magnitude =
                    FloatVector.fromArray(F, a, ao + i).reinterpretAsInts().and(Integer.MAX_VALUE);
            IntVector sign =
                    FloatVector.fromArray(F, b, bo + i).reinterpretAsInts().and(Integer.MIN_VALUE);
            magnitude.or(sign).reinterpretAsFloats().intoArray(c, co + i);
        }
        for (; i < length; i++) {
            c[co + i] = Math.copySign(a[ao + i], b[bo + i]);
        }
    }
}
