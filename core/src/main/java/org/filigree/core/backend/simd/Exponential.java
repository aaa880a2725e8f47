package org.filigree.core.backend.simd;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * eˣ over runs of arrays, to about one unit in the last place: eˣ = 2ⁿ·eʳ with n the integer nearest to x/ln 2 and a polynomial for
 * |r| ≤ ½ ln 2. The Vector API has its own, but it gives other last bits before and after compilation.
 */
public final class Exponential {
    private static final float LOG2_E = 1.442695f;
    /** ln 2 in two parts: the first has few bits, so that its product with a small integer is exact. */
    private static final float LN2_HIGH = 0.6933594f;

    private static final float LN2_LOW = -2.1219444e-4f;
    /** Adding 1.5·2²³ leaves the nearest integer in the low bits; its own low bits are 0. */
    private static final float ROUNDING = 12582912f;

    private static final float OVERFLOW = 88.72283f;
    private static final float UNDERFLOW = -87.33655f;
    private static final float C2 = 0.5f;
    private static final float C3 = 0.16666666f;
    private static final float C4 = 0.041665796f;
    private static final float C5 = 0.008333452f;
    private static final float C6 = 0.0013981999f;
    private static final float C7 = 1.9875691e-4f;

    private Exponential() {}

    /**
     * y = eˣ; 0 below −87.3, ∞ above 88.7, NaN for NaN.
     *
     * @param x arguments
     * @param xAt where they begin
     * @param y results; may be x
     * @param yAt where they begin
     * @param n how many
     */
    public static void exp(float[] x, int xAt, float[] y, int yAt, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, xAt + i);
            FloatVector shifted = v.fma(FloatVector.broadcast(F, LOG2_E), FloatVector.broadcast(F, ROUNDING));
            FloatVector k = shifted.sub(ROUNDING);
            FloatVector r = k.fma(FloatVector.broadcast(F, -LN2_LOW), k.fma(FloatVector.broadcast(F, -LN2_HIGH), v));
            FloatVector p = FloatVector.broadcast(F, C7).fma(r, FloatVector.broadcast(F, C6));
            p = p.fma(r, FloatVector.broadcast(F, C5));
            p = p.fma(r, FloatVector.broadcast(F, C4));
            p = p.fma(r, FloatVector.broadcast(F, C3));
            p = p.fma(r, FloatVector.broadcast(F, C2));
            p = p.fma(r.mul(r), r).add(1f);
            // 2ⁿ in two factors, since n may be 128.
            IntVector exponent = shifted.reinterpretAsInts().sub(Float.floatToRawIntBits(ROUNDING));
            IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
            IntVector other = exponent.sub(half);
            p.mul(half.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats())
                    .mul(other.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats())
                    .blend(0f, v.compare(VectorOperators.LT, UNDERFLOW))
                    .blend(Float.POSITIVE_INFINITY, v.compare(VectorOperators.GT, OVERFLOW))
                    .intoArray(y, yAt + i);
        }
        if (i < n) {
            float[] padded = new float[LANES];
            System.arraycopy(x, xAt + i, padded, 0, n - i);
            exp(padded, 0, padded, 0, LANES);
            System.arraycopy(padded, 0, y, yAt + i, n - i);
        }
    }

    /**
     * y = e^(x − shift) where no x exceeds the shift.
     *
     * @param x arguments
     * @param xAt where they begin
     * @param shift subtracted from each
     * @param y results; may be x
     * @param yAt where they begin
     * @param n how many
     * @return Σ y
     */
    public static float ofDifference(float[] x, int xAt, float shift, float[] y, int yAt, int n) {
        return ofNonPositive(x, xAt, 0, shift, y, yAt, n);
    }

    /**
     * y = e^−|x|.
     *
     * @param x arguments
     * @param xAt where they begin
     * @param y results; may be x
     * @param yAt where they begin
     * @param n how many
     */
    public static void ofMinusMagnitude(float[] x, int xAt, float[] y, int yAt, int n) {
        ofNonPositive(x, xAt, Integer.MIN_VALUE, 0f, y, yAt, n);
    }

    /** y = e^v with v = x − shift, after the bits of {@code sign} are set in x; n > −127 leaves 2ⁿ in one factor. */
    private static float ofNonPositive(float[] x, int xAt, int sign, float shift, float[] y, int yAt, int n) {
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, xAt + i)
                    .reinterpretAsInts()
                    .or(sign)
                    .reinterpretAsFloats()
                    .sub(shift);
            FloatVector shifted = v.fma(FloatVector.broadcast(F, LOG2_E), FloatVector.broadcast(F, ROUNDING));
            FloatVector k = shifted.sub(ROUNDING);
            FloatVector r = k.fma(FloatVector.broadcast(F, -LN2_LOW), k.fma(FloatVector.broadcast(F, -LN2_HIGH), v));
            FloatVector p = FloatVector.broadcast(F, C7).fma(r, FloatVector.broadcast(F, C6));
            p = p.fma(r, FloatVector.broadcast(F, C5));
            p = p.fma(r, FloatVector.broadcast(F, C4));
            p = p.fma(r, FloatVector.broadcast(F, C3));
            p = p.fma(r, FloatVector.broadcast(F, C2));
            p = p.fma(r.mul(r), r).add(1f);
            // The shift drops the high bits of ROUNDING.
            IntVector power = shifted.reinterpretAsInts().add(127).lanewise(VectorOperators.LSHL, 23);
            FloatVector e = p.mul(power.reinterpretAsFloats()).blend(0f, v.compare(VectorOperators.LT, UNDERFLOW));
            e.intoArray(y, yAt + i);
            sum = sum.add(e);
        }
        float total = VectorMath.sum(sum);
        if (i < n) {
            float[] padded = new float[LANES];
            // Exponentials of −∞ add nothing to the sum.
            Arrays.fill(padded, Float.NEGATIVE_INFINITY);
            System.arraycopy(x, xAt + i, padded, 0, n - i);
            total += ofNonPositive(padded, 0, sign, shift, padded, 0, LANES);
            System.arraycopy(padded, 0, y, yAt + i, n - i);
        }
        return total;
    }
}
