package org.filigree.core.backend.simd;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Natural logarithms over runs of arrays, to about one unit in the last place: exponent times ln 2, and a series for the mantissa. */
public final class Logarithm {
    private static final float LN2_HIGH = 0.6933594f;
    private static final float LN2_LOW = -2.1219444e-4f;
    private static final int SQRT_HALF_BITS = 0x3f3504f3;
    private static final int MANTISSA = 0x007fffff;

    private Logarithm() {}

    /**
     * y = ln x; −∞ at 0, NaN below, ∞ at ∞; subnormal numbers count as 0.
     *
     * @param x arguments
     * @param xAt where they begin
     * @param y results; may be x
     * @param yAt where they begin
     * @param n how many
     */
    public static void log(float[] x, int xAt, float[] y, int yAt, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, xAt + i);
            // Mantissa in [√½, √2), so that the series converges fast on both sides of 1.
            IntVector offset = v.reinterpretAsInts().sub(SQRT_HALF_BITS);
            FloatVector e =
                    (FloatVector) offset.lanewise(VectorOperators.ASHR, 23).convert(VectorOperators.I2F, 0);
            FloatVector f = offset.and(MANTISSA)
                    .add(SQRT_HALF_BITS)
                    .reinterpretAsFloats()
                    .sub(1f);
            FloatVector z = f.mul(f);
            FloatVector p = FloatVector.broadcast(F, 0.070376836f).fma(f, FloatVector.broadcast(F, -0.1151461f));
            p = p.fma(f, FloatVector.broadcast(F, 0.116769984f));
            p = p.fma(f, FloatVector.broadcast(F, -0.12420141f));
            p = p.fma(f, FloatVector.broadcast(F, 0.14249323f));
            p = p.fma(f, FloatVector.broadcast(F, -0.16668057f));
            p = p.fma(f, FloatVector.broadcast(F, 0.20000714f));
            p = p.fma(f, FloatVector.broadcast(F, -0.24999994f));
            p = p.fma(f, FloatVector.broadcast(F, 0.3333333f));
            FloatVector w = e.fma(FloatVector.broadcast(F, LN2_LOW), p.mul(f).mul(z));
            w = z.fma(FloatVector.broadcast(F, -0.5f), w).add(f);
            e.fma(FloatVector.broadcast(F, LN2_HIGH), w)
                    .blend(Float.NEGATIVE_INFINITY, v.compare(VectorOperators.LT, Float.MIN_NORMAL))
                    .blend(Float.NaN, v.compare(VectorOperators.LT, 0f))
                    .blend(Float.POSITIVE_INFINITY, v.compare(VectorOperators.EQ, Float.POSITIVE_INFINITY))
                    .blend(Float.NaN, v.test(VectorOperators.IS_NAN))
                    .intoArray(y, yAt + i);
        }
        if (i < n) {
            float[] padded = new float[LANES];
            System.arraycopy(x, xAt + i, padded, 0, n - i);
            log(padded, 0, padded, 0, LANES);
            System.arraycopy(padded, 0, y, yAt + i, n - i);
        }
    }
}
