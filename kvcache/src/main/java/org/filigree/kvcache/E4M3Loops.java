package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.io.Float8E4M3;

/** E4M3 codes in native memory, in vectors; the bits of {@link Float8E4M3}. Counts are multiples of the lanes. */
final class E4M3Loops {
    /** Bytes as many as floats in a vector; below eight there is no such vector. */
    static final int LANES = VectorMath.LANES;

    private static final int LANE_SHIFT = Integer.numberOfTrailingZeros(LANES);
    private static final VectorSpecies<Float> F = VectorMath.F;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, LANES * Byte.SIZE)));

    private static final float LEAST_NORMAL = 0x1p-6f;
    /** Adding it puts the subnormal steps of 2⁻⁹ at the end of the mantissa, rounded to nearest even. */
    private static final float SUBNORMAL_SHIFT = 0x1p14f;

    private static final int LEAST_NORMAL_BITS = Float.floatToRawIntBits(LEAST_NORMAL);
    private static final int MANTISSA_DROP = 20;
    /** Half a step less one, and the exponent's bias of 7 for 127. */
    private static final int ROUND_AND_REBIAS = 0x7FFFF - ((127 - 7) << 23);

    private static final int NAN = 0x7F;
    /** Bits of the greatest finite magnitude. */
    static final int FINITE = Float.floatToRawIntBits(Float.MAX_VALUE);

    private E4M3Loops() {}

    /** Bits of the greatest magnitude; above {@link #FINITE} if there is an infinity or a NaN. */
    static int amaxBits(float[] x, int from, int count) {
        IntVector even = IntVector.zero(I);
        IntVector odd = IntVector.zero(I);
        int pairs = count - count % (2 * LANES);
        for (int i = from; i < from + pairs; i += 2 * LANES) {
            even = even.max(FloatVector.fromArray(F, x, i).reinterpretAsInts().and(Integer.MAX_VALUE));
            odd = odd.max(
                    FloatVector.fromArray(F, x, i + LANES).reinterpretAsInts().and(Integer.MAX_VALUE));
        }
        if (pairs < count) {
            even = even.max(FloatVector.fromArray(F, x, from + pairs)
                    .reinterpretAsInts()
                    .and(Integer.MAX_VALUE));
        }
        return even.max(odd).reduceLanes(VectorOperators.MAX);
    }

    /**
     * code = E4M3(x · factor), one factor for each vector, for products of at most 448 and a rounding error. All tiles of a row in one
     * loop: a loop for each tile takes nearly twice the time. Only the lowest byte of a lane is stored, so what lies above the code is left
     * there.
     */
    static void encode(float[] x, int from, int count, float[] factors, MemorySegment memory, long offset) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = FloatVector.fromArray(F, x, from + i)
                    .mul(factors[i >>> LANE_SHIFT])
                    .reinterpretAsInts();
            IntVector magnitude = bits.and(Integer.MAX_VALUE);
            IntVector normal = magnitude
                    .add(ROUND_AND_REBIAS)
                    .add(magnitude.lanewise(VectorOperators.LSHR, MANTISSA_DROP).and(1))
                    .lanewise(VectorOperators.LSHR, MANTISSA_DROP);
            IntVector subnormal =
                    magnitude.reinterpretAsFloats().add(SUBNORMAL_SHIFT).reinterpretAsInts();
            ((ByteVector) normal.blend(subnormal, magnitude.compare(VectorOperators.LT, LEAST_NORMAL_BITS))
                            .or(bits.lanewise(VectorOperators.LSHR, 24).and(0x80))
                            .convertShape(VectorOperators.I2B, B, 0))
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
