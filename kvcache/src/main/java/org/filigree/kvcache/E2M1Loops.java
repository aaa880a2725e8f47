package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.io.Float4E2M1;

/** Packed E2M1 codes in native memory, in vectors of 8 or 16 floats; the bits of {@link Float4E2M1}. */
final class E2M1Loops {
    private static final int LANES = VectorMath.LANES;
    private static final VectorSpecies<Float> F = VectorMath.F;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, LANES * Byte.SIZE)));

    private static final int NIBBLE = 4;
    private static final int CODES_PER_INT = 8;
    private static final IntVector NIBBLE_SHIFTS =
            IntVector.zero(I).addIndex(1).and(CODES_PER_INT - 1).mul(NIBBLE);
    private static final VectorMask<Integer> UPPER_WORD =
            IntVector.zero(I).addIndex(1).compare(VectorOperators.GE, CODES_PER_INT);

    private static final long LOW_NIBBLES = 0x0F0F0F0F0F0F0F0FL;
    private static final int MANTISSA_DROP = 22;
    /** Half a step less one, and the exponent's bias of 1 for 127. */
    private static final int ROUND_AND_REBIAS = 0x1FFFFF - ((127 - 1) << 23);

    private static final int MAX_BITS = Float.floatToRawIntBits(Float4E2M1.MAX);
    private static final int ONE_BITS = Float.floatToRawIntBits(1);
    /** Adding it puts the steps of ½ below 1 at the end of the mantissa, rounded to nearest even. */
    private static final float SUBNORMAL_SHIFT = 0x1p22f;

    private E2M1Loops() {}

    /** code = E2M1(x / scale), clamped to ±6, for finite numbers. Only the lowest nibble of a lane is stored. */
    static void encode(float[] x, int from, int count, float scale, MemorySegment memory, long offset) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = FloatVector.fromArray(F, x, from + i).div(scale).reinterpretAsInts();
            IntVector magnitude = bits.and(Integer.MAX_VALUE).min(MAX_BITS);
            IntVector normal = magnitude
                    .add(ROUND_AND_REBIAS)
                    .add(magnitude.lanewise(VectorOperators.LSHR, MANTISSA_DROP).and(1))
                    .lanewise(VectorOperators.LSHR, MANTISSA_DROP);
            IntVector subnormal =
                    magnitude.reinterpretAsFloats().add(SUBNORMAL_SHIFT).reinterpretAsInts();
            IntVector code = normal.blend(subnormal, magnitude.compare(VectorOperators.LT, ONE_BITS))
                    .or(bits.lanewise(VectorOperators.LSHR, 28).and(8));
            LongVector bytes = ((ByteVector) code.convertShape(VectorOperators.I2B, B, 0)).reinterpretAsLongs();
            memory.set(LittleEndian.INT, offset + i / 2, (int) Long.compress(bytes.lane(0), LOW_NIBBLES));
            if (LANES > CODES_PER_INT) {
                memory.set(LittleEndian.INT, offset + i / 2 + Integer.BYTES, (int)
                        Long.compress(bytes.lane(1), LOW_NIBBLES));
            }
        }
    }

    /** x = value of the code · scale, which bfloat16 holds exactly for every E4M3 scale and for powers of two. */
    static void decode(MemorySegment memory, long offset, int count, float scale, float[] out, int at) {
        for (int i = 0; i < count; i += LANES) {
            IntVector words = IntVector.broadcast(I, memory.get(LittleEndian.INT, offset + i / 2));
            if (LANES > CODES_PER_INT) {
                words = words.blend(memory.get(LittleEndian.INT, offset + i / 2 + Integer.BYTES), UPPER_WORD);
            }
            IntVector code = words.lanewise(VectorOperators.LSHR, NIBBLE_SHIFTS);
            IntVector magnitude = code.and(7);
            FloatVector normal = magnitude
                    .lanewise(VectorOperators.LSHL, MANTISSA_DROP)
                    .add((127 - 1) << 23)
                    .reinterpretAsFloats();
            normal.blend(
                            normal.add(normal).sub(1f),
                            magnitude.compare(VectorOperators.LT, 2).cast(F))
                    .reinterpretAsInts()
                    .or(code.and(8).lanewise(VectorOperators.LSHL, 28))
                    .reinterpretAsFloats()
                    .mul(scale)
                    .intoArray(out, at + i);
        }
    }
}
