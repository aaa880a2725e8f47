package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.kvcache.TiledRows.Code;
import org.filigree.kvcache.TiledRows.Scale;
import org.jspecify.annotations.Nullable;

/** Rows in vectors: magnitude, scale, codes and bytes of a tile in one go, from the array to the page and back. */
final class VectorRowCodec implements RowCodec {
    /** There are vectors of so many bytes as of floats only from here on. */
    private static final int LEAST_LANES = 8;

    private static final int EXPONENT_SHIFT = 23;
    private static final int MANTISSA = 0x7FFFFF;
    /** Less the bits of a power of two: the bits of its inverse. */
    private static final int INVERSE_OF_POWERS = (2 * 127) << EXPONENT_SHIFT;
    /** Products with larger powers of two have no subnormal values, which bfloat16 would round. */
    private static final float LEAST_EXACT_SCALE = 0x1p-100f;

    private final RowFormat format;
    /** The format, where it is one of codes: a branch on it is cheaper than a switch over types for every row. */
    private final @Nullable TiledRows tiled;

    VectorRowCodec(RowFormat format) {
        this.format = format;
        this.tiled = format instanceof TiledRows codes ? codes : null;
    }

    static boolean suits(RowFormat format) {
        if (VectorMath.LANES < LEAST_LANES) {
            return false;
        }
        return !(format instanceof TiledRows tiled) || tiled.tile() % VectorMath.LANES == 0;
    }

    @Override
    public int scratch() {
        return format.width() / VectorMath.LANES;
    }

    @Override
    public void encode(
            float[] source,
            int from,
            int column,
            int count,
            MemorySegment memory,
            long row,
            long scales,
            float[] scratch) {
        if (tiled != null) {
            encodeTiled(tiled, source, from, column, count, memory, row, scales, scratch);
        } else if (format instanceof BFloat16Rows) {
            BFloat16Loops.encode(source, from, count, memory, row + (long) column * Short.BYTES);
        } else {
            MemorySegment.copy(source, from, memory, LittleEndian.FLOAT, row + (long) column * Float.BYTES, count);
        }
    }

    private static void encodeTiled(
            TiledRows tiled,
            float[] source,
            int from,
            int column,
            int count,
            MemorySegment memory,
            long row,
            long scales,
            float[] scratch) {
        int coded = Math.clamp(tiled.coded() - column, 0, count);
        if (tiled.code() == Code.E4M3) {
            encodeE4M3(tiled, source, from, column, coded, memory, row, scales, scratch);
        } else {
            encodeE2M1(tiled, source, from, column, coded, memory, row, scales);
        }
        if (column == 0) {
            NaiveRowCodec.padScales(tiled, memory, scales);
        }
        int rotary = Math.max(0, column - tiled.coded());
        BFloat16Loops.encode(
                source, from + coded, count - coded, memory, row + tiled.rotaryOffset() + (long) rotary * Short.BYTES);
    }

    private static void encodeE4M3(
            TiledRows tiled,
            float[] source,
            int from,
            int column,
            int count,
            MemorySegment memory,
            long row,
            long scales,
            float[] factors) {
        int tile = tiled.tile();
        int vectors = tile / VectorMath.LANES;
        int factor = 0;
        for (int done = 0; done < count; done += tile) {
            int amax = E4M3Loops.amaxBits(source, from + done, tile);
            if (amax > E4M3Loops.FINITE) {
                encodeNaively(tiled, source, from, column, count, memory, row, scales);
                return;
            }
            float scale = tiled.scaleOf(Float.intBitsToFloat(amax));
            NaiveRowCodec.setScale(tiled, (column + done) / tile, scale, memory, row, scales);
            // Scales are powers of two, so the product with the inverse is the quotient.
            float inverse = Float.intBitsToFloat(INVERSE_OF_POWERS - Float.floatToRawIntBits(scale));
            for (int v = 0; v < vectors; v++) {
                factors[factor++] = inverse;
            }
        }
        E4M3Loops.encode(source, from, count, factors, memory, row + column);
    }

    private static void encodeE2M1(
            TiledRows tiled,
            float[] source,
            int from,
            int column,
            int count,
            MemorySegment memory,
            long row,
            long scales) {
        int tile = tiled.tile();
        for (int done = 0; done < count; done += tile) {
            int amax = E4M3Loops.amaxBits(source, from + done, tile);
            if (amax > E4M3Loops.FINITE) {
                encodeNaively(tiled, source, from, column, count, memory, row, scales);
                return;
            }
            float scale = tiled.scaleOf(Float.intBitsToFloat(amax));
            NaiveRowCodec.setScale(tiled, (column + done) / tile, scale, memory, row, scales);
            E2M1Loops.encode(source, from + done, tile, scale, memory, row + (column + done) / 2);
        }
    }

    /** Infinities and NaN are rare, and the loops above do not know them. */
    private static void encodeNaively(
            TiledRows tiled,
            float[] source,
            int from,
            int column,
            int count,
            MemorySegment memory,
            long row,
            long scales) {
        for (int done = 0; done < count; done += tiled.tile()) {
            NaiveRowCodec.encodeTile(tiled, (column + done) / tiled.tile(), source, from + done, memory, row, scales);
        }
    }

    @Override
    public void decode(MemorySegment memory, long row, long scales, float[] out, int at) {
        if (tiled != null) {
            if (tiled.code() == Code.E4M3) {
                decodeE4M3(tiled, memory, row, scales, out, at);
            } else {
                decodeE2M1(tiled, memory, row, scales, out, at);
            }
            BFloat16Loops.decode(memory, row + tiled.rotaryOffset(), tiled.rotary(), out, at + tiled.coded());
        } else if (format instanceof BFloat16Rows) {
            BFloat16Loops.decode(memory, row, format.width(), out, at);
        } else {
            MemorySegment.copy(memory, LittleEndian.FLOAT, row, out, at, format.width());
        }
    }

    private static void decodeE4M3(TiledRows tiled, MemorySegment memory, long row, long scales, float[] out, int at) {
        int tile = tiled.tile();
        for (int t = 0; t < tiled.tiles(); t++) {
            float scale = NaiveRowCodec.scale(tiled, t, memory, row, scales);
            if (isExact(scale)) {
                E4M3Loops.decode(memory, row + (long) t * tile, tile, scale, out, at + t * tile);
            } else {
                NaiveRowCodec.decodeTile(tiled, t, memory, row, scales, out, at + t * tile);
            }
        }
    }

    private static void decodeE2M1(TiledRows tiled, MemorySegment memory, long row, long scales, float[] out, int at) {
        int tile = tiled.tile();
        for (int t = 0; t < tiled.tiles(); t++) {
            float scale = NaiveRowCodec.scale(tiled, t, memory, row, scales);
            if (tiled.scale() == Scale.E4M3 || isExact(scale)) {
                E2M1Loops.decode(memory, row + (long) t * tile / 2, tile, scale, out, at + t * tile);
            } else {
                NaiveRowCodec.decodeTile(tiled, t, memory, row, scales, out, at + t * tile);
            }
        }
    }

    /** Whether bfloat16 holds every product with a code: our writers' scales do, those of foreign pages need not. */
    private static boolean isExact(float scale) {
        int bits = Float.floatToRawIntBits(scale);
        return scale >= LEAST_EXACT_SCALE && (bits & MANTISSA) == 0 && bits >>> EXPONENT_SHIFT < 0xFF;
    }

    @Override
    public String toString() {
        return "VectorRowCodec[" + format + "]";
    }
}
