package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.io.Float8E4M3;

/** E4M3 codes in native memory, in vectors; the bits of {@link Float8E4M3}. Counts are multiples of the lanes. */
final class E4M3Loops {
    /** Bytes as many as floats in a vector; below eight there is no such vector. */
    static final int LANES = VectorMath.LANES;

    private static final VectorSpecies<Float> F = VectorMath.F;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, LANES * Byte.SIZE)));

    private static final float LEAST_NORMAL = 0x1p-6f;
    /** Adding it puts the subnormal steps of 2⁻⁹ at the end of the mantissa, rounded to nearest even. */
    private static final float SUBNORMAL_SHIFT = 0x1p14f;

    private static final int SUBNORMAL_BITS = Float.floatToRawIntBits(SUBNORMAL_SHIFT);
    private static final int MANTISSA_DROP = 20;
    private static final int BIAS_STEP = (127 - 7) << 3;
    private static final int NAN = 0x7F;

    private E4M3Loops() {}

    /** The greatest magnitude; a NaN does not count. */
    static float amax(float[] x, int from, int count) {
        FloatVector greatest = FloatVector.zero(F);
        for (int i = from; i < from + count; i += LANES) {
            FloatVector magnitude = FloatVector.fromArray(F, x, i).abs();
            greatest = greatest.blend(magnitude, magnitude.compare(VectorOperators.GT, greatest));
        }
        return greatest.reduceLanes(VectorOperators.MAX);
    }

    /** code = E4M3(x · factor), clamped to ±448. */
    static void encode(float[] x, int from, int count, float factor, MemorySegment memory, long offset) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector scaled = FloatVector.fromArray(F, x, from + i).mul(factor);
            IntVector sign = scaled.reinterpretAsInts()
                    .lanewise(VectorOperators.LSHR, 24)
                    .and(0x80);
            VectorMask<Float> nan = scaled.test(VectorOperators.IS_NAN);
            FloatVector magnitude = scaled.abs().min(Float8E4M3.MAX);
            IntVector bits = magnitude.reinterpretAsInts();
            IntVector normal = bits.add(0x7FFFF)
                    .add(bits.lanewise(VectorOperators.LSHR, MANTISSA_DROP).and(1))
                    .lanewise(VectorOperators.LSHR, MANTISSA_DROP)
                    .sub(BIAS_STEP);
            IntVector subnormal =
                    magnitude.add(SUBNORMAL_SHIFT).reinterpretAsInts().sub(SUBNORMAL_BITS);
            VectorMask<Integer> small =
                    magnitude.compare(VectorOperators.LT, LEAST_NORMAL).cast(I);
            IntVector code = normal.blend(subnormal, small).or(sign).blend(NAN, nan.cast(I));
            ((ByteVector) code.convertShape(VectorOperators.I2B, B, 0))
                    .intoMemorySegment(memory, offset + i, ByteOrder.LITTLE_ENDIAN);
        }
    }

    /**
     * x = value of the code · scale, for positive scales at which no product needs rounding to bfloat16. The exponent is rebased by an
     * addition, since going through subnormal floats costs twice the time; a subnormal code m then reads 2⁻⁷(1 + m/8), and 2v − 2⁻⁶ is
     * its value m · 2⁻⁹.
     */
    static void decode(MemorySegment memory, long offset, int count, float scale, float[] out, int at) {
        for (int i = 0; i < count; i += LANES) {
            IntVector code = (IntVector) ByteVector.fromMemorySegment(B, memory, offset + i, ByteOrder.LITTLE_ENDIAN)
                    .convertShape(VectorOperators.B2I, I, 0);
            IntVector magnitude = code.and(0x7F);
            FloatVector normal = magnitude
                    .lanewise(VectorOperators.LSHL, MANTISSA_DROP)
                    .add((127 - 7) << 23)
                    .reinterpretAsFloats();
            normal.blend(
                            normal.add(normal).sub(LEAST_NORMAL),
                            magnitude.compare(VectorOperators.LT, 8).cast(F))
                    .blend(Float.NaN, magnitude.compare(VectorOperators.EQ, NAN).cast(F))
                    .mul(scale)
                    .reinterpretAsInts()
                    .or(code.and(Integer.MIN_VALUE))
                    .reinterpretAsFloats()
                    .intoArray(out, at + i);
        }
    }
}
