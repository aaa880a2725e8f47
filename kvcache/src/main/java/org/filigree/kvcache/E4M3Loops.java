package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
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

    /** Adding it puts the subnormal steps of 2⁻⁹ at the end of the mantissa, rounded to nearest even. */
    private static final float SUBNORMAL_SHIFT = 0x1p14f;

    private static final int LEAST_NORMAL_BITS = Float.floatToRawIntBits(0x1p-6f);
    private static final int MANTISSA_DROP = 20;
    /** Half a step less one, and the exponent's bias of 7 for 127. */
    private static final int ROUND_AND_REBIAS = 0x7FFFF - ((127 - 7) << 23);

    private static final int NAN = 0x7F;

    /** All bytes of a vector of floats, and the order that deals them out to its lanes, the first {@link #LANES} to the lowest bytes. */
    private static final VectorSpecies<Byte> BYTE_LANES = VectorSpecies.of(byte.class, F.vectorShape());

    private static final int BYTES = BYTE_LANES.length();
    private static final VectorShuffle<Byte> DEAL =
            VectorShuffle.fromOp(BYTE_LANES, i -> i % Integer.BYTES * LANES + i / Integer.BYTES);
    /** Sign, exponent and mantissa of a code that has been moved to its place in a float. */
    private static final int CODE = 0x87F00000;

    /** What the biases of the exponents differ by, as a factor. */
    static final float REBIAS = 0x1p120f;

    /** Greatest power of two that {@link #decode} takes as a scale: its product with {@link #REBIAS} is finite. */
    static final float GREATEST_SCALE = 0x1p7f;

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

    /** {@link #amaxBits(float[], int, int)} of the tiles of rows. */
    static void amaxBits(float[] x, int from, int stride, int tiles, int tileShift, int[] out, int count) {
        for (int r = 0; r < count; r++) {
            for (int t = 0; t < tiles; t++) {
                out[r * tiles + t] = amaxBits(x, from + r * stride + (t << tileShift), 1 << tileShift);
            }
        }
    }

    /**
     * code = E4M3(x · factor), for products of at most 448 and a rounding error. All tiles of a row in one loop: a loop for each tile takes
     * nearly twice the time. Only the lowest byte of a lane is stored, so what lies above the code is left there.
     *
     * @param width numbers of a row
     * @param tileShift logarithm of the numbers that share a factor
     * @param factors 1 / scale of each tile of each row
     * @param rows where rows begin
     * @param column the first of the columns that are written
     * @param count how many rows
     */
    static void encode(
            float[] x,
            int from,
            int stride,
            int width,
            int tileShift,
            float[] factors,
            MemorySegment memory,
            long[] rows,
            int column,
            int count) {
        int tiles = width >>> tileShift;
        for (int r = 0; r < count; r++) {
            encode(x, from + r * stride, width, tileShift, factors, r * tiles, memory, rows[r] + column);
        }
    }

    private static void encode(
            float[] x,
            int from,
            int count,
            int tileShift,
            float[] factors,
            int first,
            MemorySegment memory,
            long offset) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = FloatVector.fromArray(F, x, from + i)
                    .mul(factors[first + (i >>> tileShift)])
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
     * x = value of the code · scale, for scales at which no product needs rounding to bfloat16. All tiles of a row in one loop, as when encoding. A code's bits, moved to where a float has its exponent,
     * read value / REBIAS, a subnormal code as a subnormal float. Those take some machines longer: where one in sixteen is, as much as
     * telling them apart would always take.
     *
     * @param tileShift logarithm of the codes that share a scale
     * @param factors holds scale · {@link #REBIAS} of each tile
     * @param factorsAt where those of the row begin
     * @return whether all codes are numbers; where one is NaN, results are of no use
     */
    static boolean decode(
            MemorySegment memory,
            long offset,
            int count,
            int tileShift,
            float[] factors,
            int factorsAt,
            float[] out,
            int at) {
        return 1 << tileShift >= BYTES
                ? decodeBytes(memory, offset, count, tileShift, factors, factorsAt, out, at)
                : decodeLanes(memory, offset, count, tileShift, factors, factorsAt, out, at);
    }

    /** As many codes as a vector has bytes are loaded and dealt out, four to an int. */
    private static boolean decodeBytes(
            MemorySegment memory,
            long offset,
            int count,
            int tileShift,
            float[] factors,
            int factorsAt,
            float[] out,
            int at) {
        ByteVector greatest = ByteVector.zero(BYTE_LANES);
        for (int i = 0; i < count; i += BYTES) {
            ByteVector codes = ByteVector.fromMemorySegment(BYTE_LANES, memory, offset + i, ByteOrder.LITTLE_ENDIAN);
            greatest = greatest.max(codes.and((byte) NAN));
            IntVector dealt = codes.rearrange(DEAL).reinterpretAsInts();
            FloatVector factor = FloatVector.broadcast(F, factors[factorsAt + (i >>> tileShift)]);
            dealt.lanewise(VectorOperators.LSHL, 24)
                    .lanewise(VectorOperators.ASHR, 4)
                    .and(CODE)
                    .reinterpretAsFloats()
                    .mul(factor)
                    .intoArray(out, at + i);
            dealt.lanewise(VectorOperators.LSHL, 16)
                    .lanewise(VectorOperators.ASHR, 4)
                    .and(CODE)
                    .reinterpretAsFloats()
                    .mul(factor)
                    .intoArray(out, at + i + LANES);
            dealt.lanewise(VectorOperators.LSHL, 8)
                    .lanewise(VectorOperators.ASHR, 4)
                    .and(CODE)
                    .reinterpretAsFloats()
                    .mul(factor)
                    .intoArray(out, at + i + 2 * LANES);
            dealt.lanewise(VectorOperators.ASHR, 4)
                    .and(CODE)
                    .reinterpretAsFloats()
                    .mul(factor)
                    .intoArray(out, at + i + 3 * LANES);
        }
        return !greatest.compare(VectorOperators.EQ, (byte) NAN).anyTrue();
    }

    private static boolean decodeLanes(
            MemorySegment memory,
            long offset,
            int count,
            int tileShift,
            float[] factors,
            int factorsAt,
            float[] out,
            int at) {
        ByteVector greatest = ByteVector.zero(B);
        for (int i = 0; i < count; i += LANES) {
            ByteVector codes = ByteVector.fromMemorySegment(B, memory, offset + i, ByteOrder.LITTLE_ENDIAN);
            greatest = greatest.max(codes.and((byte) NAN));
            ((IntVector) codes.convertShape(VectorOperators.B2I, I, 0))
                    .lanewise(VectorOperators.LSHL, MANTISSA_DROP)
                    .and(CODE)
                    .reinterpretAsFloats()
                    .mul(factors[factorsAt + (i >>> tileShift)])
                    .intoArray(out, at + i);
        }
        return !greatest.compare(VectorOperators.EQ, (byte) NAN).anyTrue();
    }
}
