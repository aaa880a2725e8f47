package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.kvcache.TiledRows.Code;
import org.filigree.kvcache.TiledRows.Scale;

/** Rows in vectors: magnitude, scale, codes and bytes of a tile in one go, from the array to the page and back. */
record VectorRowCodec(RowFormat format) implements RowCodec {
    /** There are vectors of so many bytes as of floats only from here on. */
    private static final int LEAST_LANES = 8;

    private static final int EXPONENT_SHIFT = 23;
    private static final int MANTISSA = 0x7FFFFF;
    /** Products with larger powers of two have no subnormal values, which bfloat16 would round. */
    private static final float LEAST_EXACT_SCALE = 0x1p-100f;

    static boolean suits(RowFormat format) {
        if (VectorMath.LANES < LEAST_LANES) {
            return false;
        }
        return !(format instanceof TiledRows tiled) || tiled.tile() % VectorMath.LANES == 0;
    }

    @Override
    public void encode(float[] source, int from, MemorySegment memory, long row, long scales) {
        switch (format) {
            case Float32Rows(int width) -> MemorySegment.copy(source, from, memory, LittleEndian.FLOAT, row, width);
            case BFloat16Rows(int width) -> BFloat16Loops.encode(source, from, width, memory, row);
            case TiledRows tiled -> {
                if (tiled.code() == Code.E4M3) {
                    encodeE4M3(tiled, source, from, memory, row, scales);
                } else {
                    encodeE2M1(tiled, source, from, memory, row, scales);
                }
                NaiveRowCodec.padScales(tiled, memory, scales);
                BFloat16Loops.encode(source, from + tiled.coded(), tiled.rotary(), memory, row + tiled.rotaryOffset());
            }
        }
    }

    private static void encodeE4M3(
            TiledRows tiled, float[] source, int from, MemorySegment memory, long row, long scales) {
        int tile = tiled.tile();
        for (int t = 0; t < tiled.tiles(); t++) {
            float scale = tiled.scaleOf(E4M3Loops.amax(source, from + t * tile, tile));
            NaiveRowCodec.setScale(tiled, t, scale, memory, row, scales);
            // Scales are powers of two, so the product with the inverse is the quotient.
            E4M3Loops.encode(source, from + t * tile, tile, 1 / scale, memory, row + (long) t * tile);
        }
    }

    private static void encodeE2M1(
            TiledRows tiled, float[] source, int from, MemorySegment memory, long row, long scales) {
        int tile = tiled.tile();
        for (int t = 0; t < tiled.tiles(); t++) {
            float scale = tiled.scaleOf(E4M3Loops.amax(source, from + t * tile, tile));
            NaiveRowCodec.setScale(tiled, t, scale, memory, row, scales);
            E2M1Loops.encode(source, from + t * tile, tile, scale, memory, row + (long) t * tile / 2);
        }
    }

    @Override
    public void decode(MemorySegment memory, long row, long scales, float[] out, int at) {
        switch (format) {
            case Float32Rows(int width) -> MemorySegment.copy(memory, LittleEndian.FLOAT, row, out, at, width);
            case BFloat16Rows(int width) -> BFloat16Loops.decode(memory, row, width, out, at);
            case TiledRows tiled -> {
                if (tiled.code() == Code.E4M3) {
                    decodeE4M3(tiled, memory, row, scales, out, at);
                } else {
                    decodeE2M1(tiled, memory, row, scales, out, at);
                }
                BFloat16Loops.decode(memory, row + tiled.rotaryOffset(), tiled.rotary(), out, at + tiled.coded());
            }
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
}
