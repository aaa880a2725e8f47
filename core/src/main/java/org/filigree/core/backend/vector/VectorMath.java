package org.filigree.core.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transcendental functions and sums of vectors, made of additions, multiplications and fused multiply-adds alone. The Vector API has
 * its own, but they and {@code reduceLanes} give other last bits before and after compilation, and results here must not
 * depend on when the compiler gets to a loop.
 */
final class VectorMath {
    static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    static final int LANES = F.length();

    private static final float LOG2_E = 1.442695f;
    /** ln 2 in two parts: the first has few bits, so that its product with a small integer is exact. */
    private static final float LN2_HIGH = 0.6933594f;

    private static final float LN2_LOW = -2.1219444e-4f;
    /** Adding 1.5·2²³ leaves the nearest integer in the low bits. */
    private static final float ROUNDING = 12582912f;

    private static final float EXP_OVERFLOW = 88.72283f;
    private static final float EXP_UNDERFLOW = -87.33655f;

    private static final VectorShuffle<Float>[] FOLDS = folds();

    private VectorMath() {}

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static VectorShuffle<Float>[] folds() {
        VectorShuffle<Float>[] folds = new VectorShuffle[Integer.numberOfTrailingZeros(LANES)];
        for (int i = 0; i < folds.length; i++) {
            int distance = LANES >> (i + 1);
            folds[i] = VectorShuffle.fromOp(F, lane -> (lane + distance) % LANES);
        }
        return folds;
    }

    /** The sum of all lanes, folded in halves. */
    static float sum(FloatVector x) {
        FloatVector folded = x;
        for (VectorShuffle<Float> fold : FOLDS) {
            folded = folded.add(folded.rearrange(fold));
        }
        return folded.lane(0);
    }

    /** eˣ to about one unit in the last place; 0 below −87.3, ∞ above 88.7, NaN for NaN. */
    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.fma(FloatVector.broadcast(F, LOG2_E), FloatVector.broadcast(F, ROUNDING));
        FloatVector n = shifted.sub(ROUNDING);
        FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), x);
        r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
        FloatVector p = FloatVector.broadcast(F, 1.9875691e-4f);
        p = p.fma(r, FloatVector.broadcast(F, 0.0013981999f));
        p = p.fma(r, FloatVector.broadcast(F, 0.008333452f));
        p = p.fma(r, FloatVector.broadcast(F, 0.041665796f));
        p = p.fma(r, FloatVector.broadcast(F, 0.16666666f));
        p = p.fma(r, FloatVector.broadcast(F, 0.5f));
        p = p.fma(r.mul(r), r).add(1f);
        // 2ⁿ in two factors, since n may be 128.
        IntVector exponent = shifted.reinterpretAsInts().sub(Float.floatToRawIntBits(ROUNDING));
        IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
        FloatVector y = p.mul(powerOfTwo(half)).mul(powerOfTwo(exponent.sub(half)));
        VectorMask<Float> under = x.compare(VectorOperators.LT, EXP_UNDERFLOW);
        VectorMask<Float> over = x.compare(VectorOperators.GT, EXP_OVERFLOW);
        return y.blend(0f, under).blend(Float.POSITIVE_INFINITY, over);
    }

    private static FloatVector powerOfTwo(IntVector exponent) {
        return exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    }

    /** 1/(1+e⁻ˣ). */
    static FloatVector sigmoid(FloatVector x) {
        return FloatVector.broadcast(F, 1f).div(exp(x.neg()).add(1f));
    }

    /** Natural logarithm to about one unit in the last place; −∞ at 0, NaN below, ∞ at ∞; subnormal numbers count as 0. */
    static FloatVector log(FloatVector x) {
        IntVector bits = x.reinterpretAsInts();
        // Mantissa in [√½, √2), so that the series converges fast on both sides of 1.
        IntVector offset = bits.sub(0x3f3504f3);
        FloatVector e = (FloatVector) offset.lanewise(VectorOperators.ASHR, 23).convert(VectorOperators.I2F, 0);
        FloatVector m = offset.and(0x007fffff).add(0x3f3504f3).reinterpretAsFloats();
        FloatVector f = m.sub(1f);
        FloatVector z = f.mul(f);
        FloatVector p = FloatVector.broadcast(F, 0.070376836f);
        p = p.fma(f, FloatVector.broadcast(F, -0.1151461f));
        p = p.fma(f, FloatVector.broadcast(F, 0.116769984f));
        p = p.fma(f, FloatVector.broadcast(F, -0.12420141f));
        p = p.fma(f, FloatVector.broadcast(F, 0.14249323f));
        p = p.fma(f, FloatVector.broadcast(F, -0.16668057f));
        p = p.fma(f, FloatVector.broadcast(F, 0.20000714f));
        p = p.fma(f, FloatVector.broadcast(F, -0.24999994f));
        p = p.fma(f, FloatVector.broadcast(F, 0.3333333f));
        FloatVector y = p.mul(f).mul(z);
        y = e.fma(FloatVector.broadcast(F, LN2_LOW), y);
        y = z.fma(FloatVector.broadcast(F, -0.5f), y);
        y = f.add(y);
        y = e.fma(FloatVector.broadcast(F, LN2_HIGH), y);
        y = y.blend(Float.NEGATIVE_INFINITY, x.compare(VectorOperators.LT, Float.MIN_NORMAL));
        y = y.blend(Float.NaN, x.compare(VectorOperators.LT, 0f));
        y = y.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.EQ, Float.POSITIVE_INFINITY));
        return y.blend(Float.NaN, x.test(VectorOperators.IS_NAN));
    }

    /** tanh x: an odd polynomial near 0, where 1 − 2/(e²ˣ+1) would cancel. */
    static FloatVector tanh(FloatVector x) {
        FloatVector z = x.mul(x);
        FloatVector p = FloatVector.broadcast(F, -0.0057049887f);
        p = p.fma(z, FloatVector.broadcast(F, 0.020639088f));
        p = p.fma(z, FloatVector.broadcast(F, -0.053739715f));
        p = p.fma(z, FloatVector.broadcast(F, 0.13331442f));
        p = p.fma(z, FloatVector.broadcast(F, -0.3333328f));
        FloatVector near = p.mul(z).fma(x, x);
        FloatVector far = FloatVector.broadcast(F, 1f)
                .sub(FloatVector.broadcast(F, 2f).div(exp(x.add(x)).add(1f)));
        return far.blend(near, x.abs().compare(VectorOperators.LT, 0.625f));
    }

    /** log(1+eˣ), x above 20; from e^−|x| so that nothing overflows, and by its series where that is small. */
    static FloatVector softplus(FloatVector x) {
        FloatVector u = exp(x.abs().neg());
        FloatVector series = u.mul(-0.5f).add(1f).mul(u);
        FloatVector y = log(u.add(1f)).blend(series, u.compare(VectorOperators.LT, 1e-4f));
        y = y.add(x.max(0f));
        return y.blend(x, x.compare(VectorOperators.GT, 20f));
    }
}
