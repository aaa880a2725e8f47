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

    /** The loops of two codes a byte know vectors of 8 and 16 floats. */
    private static final int MOST_LANES_OF_E2M1 = 16;

    /** Rows whose scales are found before their codes: 32 KiB of 512 numbers, which are still in the first-level cache then. */
    private static final int ROWS_TOGETHER = 16;

    private static final int EXPONENT_SHIFT = 23;
    private static final int MANTISSA = 0x7FFFFF;
    /** Bits of 2⁻¹⁰⁰: products with larger powers of two have no subnormal values, which bfloat16 would round. */
    private static final int LEAST_EXACT_SCALE = Float.floatToRawIntBits(0x1p-100f);

    private final RowFormat format;
    /** The format, where it is one of codes: a branch on it is cheaper than a switch over types for every row. */
    private final @Nullable TiledRows tiled;

    private final int tileShift;

    VectorRowCodec(RowFormat format) {
        this.format = format;
        this.tiled = format instanceof TiledRows codes ? codes : null;
        this.tileShift = tiled == null ? 0 : Integer.numberOfTrailingZeros(tiled.tile());
    }

    static boolean suits(RowFormat format) {
        if (VectorMath.LANES < LEAST_LANES) {
            return false;
        }
        return switch (format) {
            case Float32Rows _, BFloat16Rows _ -> true;
            case TiledRows tiled ->
                tiled.tile() % VectorMath.LANES == 0
                        && (tiled.code() == Code.E2M1
                                ? VectorMath.LANES <= MOST_LANES_OF_E2M1
                                : Integer.bitCount(tiled.tile()) == 1);
        };
    }

    @Override
    public void encode(
            float[] source,
            int from,
            int stride,
            int column,
            int width,
            MemorySegment memory,
            long[] rows,
            long[] scales,
            int count) {
        if (tiled != null) {
            int coded = Math.clamp(tiled.coded() - column, 0, width);
            if (coded > 0 && tiled.code() == Code.E4M3) {
                encodeE4M3(tiled, source, from, stride, column, coded, memory, rows, scales, count);
            } else if (coded > 0) {
                encodeE2M1(tiled, source, from, stride, column, coded, memory, rows, scales, count);
            }
            if (column == 0 && tiled.scaleBytes() > 0) {
                for (int r = 0; r < count; r++) {
                    NaiveRowCodec.padScales(tiled, memory, scales[r]);
                }
            }
            int offset = tiled.rotaryOffset() + Math.max(0, column - tiled.coded()) * Short.BYTES;
            encodeHalves(source, from + coded, stride, width - coded, memory, rows, offset, count);
        } else if (format instanceof BFloat16Rows) {
            encodeHalves(source, from, stride, width, memory, rows, column * Short.BYTES, count);
        } else {
            for (int r = 0; r < count; r++) {
                long to = rows[r] + (long) column * Float.BYTES;
                MemorySegment.copy(source, from + r * stride, memory, LittleEndian.FLOAT, to, width);
            }
        }
    }

    private static void encodeHalves(
            float[] source, int from, int stride, int width, MemorySegment memory, long[] rows, int offset, int count) {
        for (int r = 0; r < count && width > 0; r++) {
            BFloat16Loops.encode(source, from + r * stride, width, memory, rows[r] + offset);
        }
    }

    /** Magnitudes of some rows, then scales, then codes: each loop is compiled by itself. */
    private void encodeE4M3(
            TiledRows tiled,
            float[] source,
            int from,
            int stride,
            int column,
            int width,
            MemorySegment memory,
            long[] rows,
            long[] scales,
            int count) {
        int tiles = width >>> tileShift;
        int most = Math.min(count, ROWS_TOGETHER);
        int[] blocks = new int[Math.max(1, width / 4)];
        int[] magnitudes = new int[E4M3Loops.wholeVectors(most * tiles)];
        int[] bits = new int[magnitudes.length];
        for (int done = 0; done < count; done += ROWS_TOGETHER) {
            int together = Math.min(ROWS_TOGETHER, count - done);
            int at = from + done * stride;
            for (int r = 0; r < together; r++) {
                E4M3Loops.amaxBits(source, at + r * stride, tiles, tileShift, blocks, magnitudes, r * tiles);
            }
            E4M3Loops.scales(magnitudes, tiled.rule(), bits, together * tiles);
            writeScales(tiled, column >>> tileShift, tiles, bits, memory, rows, scales, done, together);
            E4M3Loops.encode(source, at, stride, width, tileShift, bits, memory, rows, done, column, together);
            for (int i = 0; i < together * tiles; i++) {
                if (magnitudes[i] > E4M3Loops.FINITE) {
                    int r = i / tiles;
                    encodeNaively(
                            tiled, source, at + r * stride, column, width, memory, rows[done + r], scales[done + r]);
                }
            }
        }
    }

    /** Writes scales that are powers of two, given by their bits. */
    private static void writeScales(
            TiledRows tiled,
            int tile,
            int tiles,
            int[] bits,
            MemorySegment memory,
            long[] rows,
            long[] scales,
            int first,
            int count) {
        boolean bytes = tiled.scale() == Scale.E8M0;
        for (int r = 0; r < count; r++) {
            long at = NaiveRowCodec.scaleOffset(tiled, tile, rows[first + r], scales[first + r]);
            for (int t = 0; t < tiles; t++) {
                int scale = bits[r * tiles + t];
                if (bytes) {
                    memory.set(LittleEndian.BYTE, at + t, (byte) (scale >>> EXPONENT_SHIFT));
                } else {
                    memory.set(LittleEndian.FLOAT, at + (long) t * Float.BYTES, Float.intBitsToFloat(scale));
                }
            }
        }
    }

    private static void encodeE2M1(
            TiledRows tiled,
            float[] source,
            int from,
            int stride,
            int column,
            int width,
            MemorySegment memory,
            long[] rows,
            long[] scales,
            int count) {
        int tile = tiled.tile();
        for (int r = 0; r < count; r++) {
            boolean numbers = true;
            for (int done = 0; done < width; done += tile) {
                int at = from + r * stride + done;
                int amax = E4M3Loops.amaxBits(source, at, tile);
                numbers &= amax <= E4M3Loops.FINITE;
                float scale = tiled.scaleOf(Float.intBitsToFloat(Math.min(amax, E4M3Loops.FINITE)));
                NaiveRowCodec.setScale(tiled, (column + done) / tile, scale, memory, rows[r], scales[r]);
                E2M1Loops.encode(source, at, tile, scale, memory, rows[r] + (column + done) / 2);
            }
            if (!numbers) {
                encodeNaively(tiled, source, from + r * stride, column, width, memory, rows[r], scales[r]);
            }
        }
    }

    /** Infinities and NaN are rare, and the loops above do not know them: what they wrote is written again. */
    private static void encodeNaively(
            TiledRows tiled,
            float[] source,
            int from,
            int column,
            int width,
            MemorySegment memory,
            long row,
            long scales) {
        for (int done = 0; done < width; done += tiled.tile()) {
            NaiveRowCodec.encodeTile(tiled, (column + done) / tiled.tile(), source, from + done, memory, row, scales);
        }
    }

    @Override
    public void decode(MemorySegment memory, long[] rows, long[] scales, int count, float[] out, int at, int stride) {
        if (tiled != null) {
            if (tiled.code() == Code.E4M3) {
                decodeE4M3(tiled, memory, rows, scales, count, out, at, stride);
            } else {
                decodeE2M1(tiled, memory, rows, scales, count, out, at, stride);
            }
            int rotary = tiled.rotaryOffset();
            decodeHalves(memory, rows, rotary, count, tiled.rotary(), out, at + tiled.coded(), stride);
        } else if (format instanceof BFloat16Rows) {
            decodeHalves(memory, rows, 0, count, format.width(), out, at, stride);
        } else {
            for (int r = 0; r < count; r++) {
                MemorySegment.copy(memory, LittleEndian.FLOAT, rows[r], out, at + r * stride, format.width());
            }
        }
    }

    private static void decodeHalves(
            MemorySegment memory, long[] rows, int offset, int count, int width, float[] out, int at, int stride) {
        for (int r = 0; r < count; r++) {
            BFloat16Loops.decode(memory, rows[r] + offset, width, out, at + r * stride);
        }
    }

    private void decodeE4M3(
            TiledRows tiled,
            MemorySegment memory,
            long[] rows,
            long[] scales,
            int count,
            float[] out,
            int at,
            int stride) {
        int tiles = tiled.tiles();
        float[] factors = new float[count * tiles];
        boolean suit = factors(tiled, memory, rows, scales, count, factors);
        for (int r = 0; r < count; r++) {
            int to = at + r * stride;
            if (!suit || !E4M3Loops.decode(memory, rows[r], tiled.coded(), tileShift, factors, r * tiles, out, to)) {
                NaiveRowCodec.decodeCodes(tiled, memory, rows[r], scales[r], out, to);
            }
        }
    }

    /**
     * What the codes of every tile are multiplied by, if all scales suit the loops. Scales of the rows lie far apart: read together, their
     * page walks and cache misses overlap.
     */
    private static boolean factors(
            TiledRows tiled, MemorySegment memory, long[] rows, long[] scales, int count, float[] factors) {
        int tiles = tiled.tiles();
        boolean suit = true;
        for (int r = 0; r < count; r++) {
            for (int t = 0; t < tiles; t++) {
                float scale = NaiveRowCodec.scale(tiled, t, memory, rows[r], scales[r]);
                suit &= isExact(scale) && scale <= E4M3Loops.GREATEST_SCALE;
                factors[r * tiles + t] = scale * E4M3Loops.REBIAS;
            }
        }
        return suit;
    }

    private static void decodeE2M1(
            TiledRows tiled,
            MemorySegment memory,
            long[] rows,
            long[] scales,
            int count,
            float[] out,
            int at,
            int stride) {
        int tile = tiled.tile();
        for (int r = 0; r < count; r++) {
            for (int t = 0; t < tiled.tiles(); t++) {
                int to = at + r * stride + t * tile;
                float scale = NaiveRowCodec.scale(tiled, t, memory, rows[r], scales[r]);
                if (tiled.scale() == Scale.E4M3 || isExact(scale)) {
                    E2M1Loops.decode(memory, rows[r] + (long) t * tile / 2, tile, scale, out, to);
                } else {
                    NaiveRowCodec.decodeTile(tiled, t, memory, rows[r], scales[r], out, to);
                }
            }
        }
    }

    /** Whether bfloat16 holds every product with a code: our writers' scales do, those of foreign pages need not. */
    private static boolean isExact(float scale) {
        int bits = Float.floatToRawIntBits(scale);
        return bits >= LEAST_EXACT_SCALE && bits <= E4M3Loops.FINITE && (bits & MANTISSA) == 0;
    }

    @Override
    public String toString() {
        return "VectorRowCodec[" + format + "]";
    }
}
