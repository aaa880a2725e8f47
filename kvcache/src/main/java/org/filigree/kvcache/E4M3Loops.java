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

    private static final int EXPONENT_SHIFT = 23;
    private static final int MANTISSA_DROP = 20;
    private static final int MANTISSA = 0x7FFFFF;
    private static final int EXPONENT = 0x7F800000;
    private static final int SIGN = 0x80;

    /** Steps of a code's mantissa, of which the least normal number has eight, come to the end of a float's. */
    private static final float STEPS = 0x1p-20f;

    /** From the bits of a scale to those of 2⁻⁶ · scale, the least number with a normal code. */
    private static final int LEAST_NORMAL = 6 << EXPONENT_SHIFT;

    /** Bits of a bias to the exponent of a code, in steps of its mantissa. */
    private static final int BIAS = 0xF8;

    /** Bits of the number that bounds the scales from below. */
    private static final int LEAST = Float.floatToRawIntBits(1e-4f);

    private static final float INVERSE_MAX = 1 / Float8E4M3.MAX;
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

    /** Room for so many numbers, of which loops write whole vectors. */
    static int wholeVectors(int count) {
        return (count + LANES - 1) / LANES * LANES;
    }

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
     * {@link #amaxBits(float[], int, int)} of the tiles of a run of numbers. Where tiles are long, each block of four vectors leaves the
     * greatest of each lane, and a second loop joins blocks to tiles: a loop for each tile would turn too few times.
     *
     * @param tiles how many
     * @param blocks room for the lanes of {@code tiles} tiles of {@code 1 << tileShift} numbers, a quarter of these; what it holds is of no use
     */
    static void amaxBits(float[] x, int from, int tiles, int tileShift, int[] blocks, int[] out, int at) {
        if (1 << tileShift < BYTES) {
            for (int t = 0; t < tiles; t++) {
                out[at + t] = amaxBits(x, from + (t << tileShift), 1 << tileShift);
            }
            return;
        }
        int count = tiles << tileShift;
        for (int i = 0; i < count; i += BYTES) {
            IntVector a =
                    FloatVector.fromArray(F, x, from + i).reinterpretAsInts().and(Integer.MAX_VALUE);
            IntVector b = FloatVector.fromArray(F, x, from + i + LANES)
                    .reinterpretAsInts()
                    .and(Integer.MAX_VALUE);
            IntVector c = FloatVector.fromArray(F, x, from + i + 2 * LANES)
                    .reinterpretAsInts()
                    .and(Integer.MAX_VALUE);
            IntVector d = FloatVector.fromArray(F, x, from + i + 3 * LANES)
                    .reinterpretAsInts()
                    .and(Integer.MAX_VALUE);
            a.max(b).max(c.max(d)).intoArray(blocks, i >>> 2);
        }
        joinBlocks(blocks, tiles, 1 << (tileShift - 2), out, at);
    }

    private static void joinBlocks(int[] blocks, int tiles, int length, int[] out, int at) {
        for (int t = 0; t < tiles; t++) {
            IntVector greatest = IntVector.fromArray(I, blocks, t * length);
            for (int i = LANES; i < length; i += LANES) {
                greatest = greatest.max(IntVector.fromArray(I, blocks, t * length + i));
            }
            out[at + t] = greatest.reduceLanes(VectorOperators.MAX);
        }
    }

    /**
     * Bits of the scales of tiles, {@link TiledRows#scaleOf} of their greatest magnitudes.
     *
     * @param magnitudes bits, those above {@link #FINITE} counting as it
     * @param count how many, rounded up to whole vectors here: both arrays have room for that
     */
    static void scales(int[] magnitudes, TiledRows.ScaleRule rule, int[] out, int count) {
        switch (rule) {
            case MODEL -> modelScales(magnitudes, out, count);
            case FLASH_MLA -> flashMlaScales(magnitudes, out, count);
        }
    }

    private static void modelScales(int[] magnitudes, int[] out, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector.fromArray(I, magnitudes, i)
                    .min(FINITE)
                    .max(LEAST)
                    .reinterpretAsFloats()
                    .mul(INVERSE_MAX)
                    .reinterpretAsInts()
                    .add(MANTISSA)
                    .and(~MANTISSA)
                    .intoArray(out, i);
        }
    }

    private static void flashMlaScales(int[] magnitudes, int[] out, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector.fromArray(I, magnitudes, i)
                    .min(FINITE)
                    .reinterpretAsFloats()
                    .div(Float8E4M3.MAX)
                    .reinterpretAsInts()
                    .max(LEAST)
                    .add(MANTISSA)
                    .and(~MANTISSA)
                    .intoArray(out, i);
        }
    }

    /**
     * code = E4M3(x / scale), for quotients of at most 448 and a rounding error. The exponent of a code is that of the number, but at
     * least that of the least normal code: 2<sup>e</sup>. Added to it, 2<sup>-20</sup>·|x| is rounded to whole steps of 2<sup>e-3</sup>, to nearest even, which
     * stand in the lowest bits of the sum; e added there to them gives the code, subnormal or not, but for a bias that depends on the scale
     * and stands in the lowest bits of 2<sup>e</sup> from the beginning. Only the lowest byte of a lane is stored, so what lies above the code is
     * left there.
     *
     * @param width numbers of a row
     * @param tileShift logarithm of the numbers that share a scale
     * @param scales bits of the scale of each tile of each row, all of them powers of two; overwritten
     * @param rows where rows begin
     * @param first the first of the rows that are written
     * @param column the first of the columns that are written
     * @param count how many rows
     */
    static void encode(
            float[] x,
            int from,
            int stride,
            int width,
            int tileShift,
            int[] scales,
            MemorySegment memory,
            long[] rows,
            int first,
            int column,
            int count) {
        int tiles = width >>> tileShift;
        toLeastNormals(scales, count * tiles);
        for (int r = 0; r < count; r++) {
            long offset = rows[first + r] + column;
            if (1 << tileShift >= BYTES) {
                encodeBytes(x, from + r * stride, width, tileShift, scales, r * tiles, memory, offset);
            } else {
                encodeLanes(x, from + r * stride, width, tileShift, scales, r * tiles, memory, offset);
            }
        }
    }

    private static void toLeastNormals(int[] scales, int count) {
        for (int i = 0; i < count; i++) {
            int exponent = scales[i] >>> EXPONENT_SHIFT;
            scales[i] = (scales[i] - LEAST_NORMAL) | (((6 - exponent) << 3) & BIAS);
        }
    }

    private static void encodeBytes(
            float[] x, int from, int count, int tileShift, int[] least, int first, MemorySegment memory, long offset) {
        for (int i = 0; i < count; i += BYTES) {
            IntVector bound = IntVector.broadcast(I, least[first + (i >>> tileShift)]);
            IntVector bias = bound.and(BIAS);
            IntVector a = FloatVector.fromArray(F, x, from + i).reinterpretAsInts();
            IntVector b = FloatVector.fromArray(F, x, from + i + LANES).reinterpretAsInts();
            IntVector c = FloatVector.fromArray(F, x, from + i + 2 * LANES).reinterpretAsInts();
            IntVector d = FloatVector.fromArray(F, x, from + i + 3 * LANES).reinterpretAsInts();
            IntVector ra = a.and(Integer.MAX_VALUE)
                    .reinterpretAsFloats()
                    .mul(STEPS)
                    .add(a.and(EXPONENT).or(bias).max(bound).reinterpretAsFloats())
                    .reinterpretAsInts();
            IntVector rb = b.and(Integer.MAX_VALUE)
                    .reinterpretAsFloats()
                    .mul(STEPS)
                    .add(b.and(EXPONENT).or(bias).max(bound).reinterpretAsFloats())
                    .reinterpretAsInts();
            IntVector rc = c.and(Integer.MAX_VALUE)
                    .reinterpretAsFloats()
                    .mul(STEPS)
                    .add(c.and(EXPONENT).or(bias).max(bound).reinterpretAsFloats())
                    .reinterpretAsInts();
            IntVector rd = d.and(Integer.MAX_VALUE)
                    .reinterpretAsFloats()
                    .mul(STEPS)
                    .add(d.and(EXPONENT).or(bias).max(bound).reinterpretAsFloats())
                    .reinterpretAsInts();
            ((ByteVector) ra.add(ra.lanewise(VectorOperators.LSHR, MANTISSA_DROP))
                            .or(a.lanewise(VectorOperators.LSHR, 24).and(SIGN))
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoMemorySegment(memory, offset + i, ByteOrder.LITTLE_ENDIAN);
            ((ByteVector) rb.add(rb.lanewise(VectorOperators.LSHR, MANTISSA_DROP))
                            .or(b.lanewise(VectorOperators.LSHR, 24).and(SIGN))
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoMemorySegment(memory, offset + i + LANES, ByteOrder.LITTLE_ENDIAN);
            ((ByteVector) rc.add(rc.lanewise(VectorOperators.LSHR, MANTISSA_DROP))
                            .or(c.lanewise(VectorOperators.LSHR, 24).and(SIGN))
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoMemorySegment(memory, offset + i + 2L * LANES, ByteOrder.LITTLE_ENDIAN);
            ((ByteVector) rd.add(rd.lanewise(VectorOperators.LSHR, MANTISSA_DROP))
                            .or(d.lanewise(VectorOperators.LSHR, 24).and(SIGN))
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoMemorySegment(memory, offset + i + 3L * LANES, ByteOrder.LITTLE_ENDIAN);
        }
    }

    private static void encodeLanes(
            float[] x, int from, int count, int tileShift, int[] least, int first, MemorySegment memory, long offset) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bound = IntVector.broadcast(I, least[first + (i >>> tileShift)]);
            IntVector a = FloatVector.fromArray(F, x, from + i).reinterpretAsInts();
            IntVector ra = a.and(Integer.MAX_VALUE)
                    .reinterpretAsFloats()
                    .mul(STEPS)
                    .add(a.and(EXPONENT).or(bound.and(BIAS)).max(bound).reinterpretAsFloats())
                    .reinterpretAsInts();
            ((ByteVector) ra.add(ra.lanewise(VectorOperators.LSHR, MANTISSA_DROP))
                            .or(a.lanewise(VectorOperators.LSHR, 24).and(SIGN))
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
