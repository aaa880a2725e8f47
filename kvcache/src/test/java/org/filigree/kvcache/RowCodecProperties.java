package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.filigree.core.io.BFloat16;
import org.filigree.core.io.Float4E2M1;
import org.filigree.core.io.Float8E4M3;
import org.filigree.core.io.Fp4Activation;
import org.filigree.core.io.Fp4Scale;
import org.filigree.core.io.Fp8Activation;
import org.filigree.core.io.ScaleRounding;
import org.filigree.core.random.RandomStream;
import org.filigree.kvcache.TiledRows.Code;
import org.filigree.kvcache.TiledRows.Scale;
import org.filigree.kvcache.TiledRows.ScaleRule;
import org.junit.jupiter.api.Test;

/** Vector codecs write the bytes of the plain one and read its numbers, whatever the numbers and the bytes. */
class RowCodecProperties {
    private static final int GUARD = 5;

    @Provide
    Arbitrary<RowFormat> formats() {
        return Arbitraries.oneOf(RowFormats.any(), Arbitraries.of(RowFormats.RELEASED));
    }

    /** Bit patterns: every exponent, infinities and NaN among them. */
    private static float[] anyFloats(int width, long seed) {
        RandomStream random = RandomStream.of(seed);
        float[] values = new float[width];
        random.fillGaussian(values);
        float[] exponents = new float[width];
        random.fork("exponents").fillGaussian(exponents);
        for (int i = 0; i < width; i++) {
            values[i] = Math.scalb(values[i], (int) (exponents[i] * (seed % 3 == 0 ? 60 : 4)));
            if (seed % 5 == 0 && i % 7 == 3) {
                values[i] = switch (i % 4) {
                    case 0 -> Float.NaN;
                    case 1 -> Float.POSITIVE_INFINITY;
                    case 2 -> -0f;
                    default -> Float.NEGATIVE_INFINITY;
                };
            }
        }
        return values;
    }

    @Property(tries = 300)
    void sameBytesAndSameNumbers(@ForAll("formats") RowFormat format, @ForAll long seed) {
        float[] values = anyFloats(format.width() + 2, seed);
        int bytes = format.bytesPerRow() + 2 * GUARD;
        byte[] expected = new byte[bytes];
        byte[] actual = new byte[bytes];
        long[] rows = {GUARD};
        long[] scales = {GUARD + format.rowBytes()};
        new NaiveRowCodec(format)
                .encode(values, 1, 0, 0, format.width(), MemorySegment.ofArray(expected), rows, scales, 1);
        RowCodec.of(format).encode(values, 1, 0, 0, format.width(), MemorySegment.ofArray(actual), rows, scales, 1);
        assertArrayEquals(expected, actual);
        assertSameNumbers(format, expected);
    }

    /** Rows with and without infinities and NaN, from rows that lie apart to rows in any order, a part of their columns. */
    @Property(tries = 100)
    void rowsTogetherAsOneByOne(
            @ForAll("formats") RowFormat format, @ForAll @IntRange(min = 0, max = 20) int count, @ForAll long seed) {
        int stride = format.width() + 3;
        float[] values = new float[count * stride];
        long[] rows = new long[count];
        long[] scales = new long[count];
        int bytes = format.bytesPerRow() + GUARD;
        for (int r = 0; r < count; r++) {
            System.arraycopy(anyFloats(format.width(), seed + r), 0, values, r * stride, format.width());
            rows[r] = (long) (count - 1 - r) * bytes;
            scales[r] = rows[r] + format.rowBytes();
        }
        int cut = format instanceof TiledRows tiled && seed % 2 == 0 ? tiled.tile() : 0;
        int width = format.width() - cut;
        byte[] expected = new byte[count * bytes];
        byte[] actual = new byte[count * bytes];
        for (int r = 0; r < count; r++) {
            long[] row = {rows[r]};
            long[] scale = {scales[r]};
            new NaiveRowCodec(format)
                    .encode(values, r * stride, 0, cut, width, MemorySegment.ofArray(expected), row, scale, 1);
        }
        RowCodec.of(format).encode(values, 0, stride, cut, width, MemorySegment.ofArray(actual), rows, scales, count);
        assertArrayEquals(expected, actual);
    }

    /** Numbers half-way between codes, to the even one; those next to them, to the nearer one; at scales from the least to the greatest. */
    @Property(tries = 30)
    void halfWayBetweenCodes(
            @ForAll @IntRange(min = -22, max = 118) int exponent, @ForAll @IntRange(min = 3, max = 8) int tileShift) {
        int tile = 1 << tileShift;
        float scale = Math.scalb(1f, exponent);
        int middles = 0x7E;
        int tiles = Math.ceilDiv(6 * middles, tile - 1);
        float[] values = new float[tiles * tile];
        int next = 0;
        for (int code = 0; code < middles; code++) {
            float middle = (Float8E4M3.toFloat((byte) code) + Float8E4M3.toFloat((byte) (code + 1))) / 2;
            for (float value : new float[] {middle, Math.nextUp(middle), Math.nextDown(middle)}) {
                for (float signed : new float[] {value, -value}) {
                    // The greatest of each tile gives it this scale.
                    if (next % tile == 0) {
                        values[next++] = Float8E4M3.MAX * scale;
                    }
                    values[next++] = signed * scale;
                }
            }
        }
        TiledRows format = TiledRows.fp8(values.length, 0, tile);
        byte[] actual = new byte[format.bytesPerRow()];
        RowCodec.of(format)
                .encode(values, 0, 0, 0, values.length, MemorySegment.ofArray(actual), new long[1], new long[1], 1);
        for (int i = 0; i < next; i++) {
            assertEquals(Float8E4M3.fromFloat(values[i] / scale), actual[i], "code of " + values[i] / scale);
        }
    }

    /** Tiles whose greatest magnitudes are those that a scale just bears, and those next to them, under both rules. */
    @Test
    void scalesTurnWhereThoseOfThePlainLoopsDo() {
        int tile = 16;
        int reach = 3;
        for (ScaleRule rule : ScaleRule.values()) {
            for (int exponent = -126; exponent <= 119; exponent++) {
                float[] values = new float[(2 * reach + 1) * tile];
                for (int t = 0; t <= 2 * reach; t++) {
                    int bits = Float.floatToRawIntBits(Math.scalb(Float8E4M3.MAX, exponent)) + t - reach;
                    values[t * tile + t] = Float.intBitsToFloat(bits);
                    values[t * tile + t + 1] = -values[t * tile + t] / 5;
                }
                assertSameBytes(TiledRows.fp8(values.length, 0, tile).withRule(rule), values, rule + " " + exponent);
            }
        }
    }

    private static void assertSameBytes(RowFormat format, float[] values, String message) {
        byte[] expected = new byte[format.bytesPerRow()];
        byte[] actual = new byte[format.bytesPerRow()];
        long[] row = {0};
        long[] scales = {format.rowBytes()};
        new NaiveRowCodec(format)
                .encode(values, 0, 0, 0, format.width(), MemorySegment.ofArray(expected), row, scales, 1);
        RowCodec.of(format).encode(values, 0, 0, 0, format.width(), MemorySegment.ofArray(actual), row, scales, 1);
        assertArrayEquals(expected, actual, message);
    }

    @Property(tries = 200)
    void sameNumbersFromForeignBytes(@ForAll("formats") RowFormat format, @ForAll @Size(value = 800) byte[] bytes) {
        assertSameNumbers(format, bytes);
    }

    private static void assertSameNumbers(RowFormat format, byte[] bytes) {
        float[] expected = new float[format.width() + 2];
        float[] actual = new float[format.width() + 2];
        int scales = GUARD + format.rowBytes();
        decode(new NaiveRowCodec(format), bytes, GUARD, scales, expected, 1);
        decode(RowCodec.of(format), bytes, GUARD, scales, actual, 1);
        assertArrayEquals(expected, actual);
        assertEquals(0, actual[0] + actual[format.width() + 1]);
    }

    @Property
    void readsBackWhatTheModelsSimulate(@ForAll("formats") RowFormat format, @ForAll long seed) {
        float[] values = anyFloats(format.width(), Math.floorMod(seed, 1000L) * 15 + 1);
        byte[] bytes = new byte[format.bytesPerRow()];
        float[] back = new float[format.width()];
        RowCodec codec = RowCodec.of(format);
        long[] rows = {0};
        long[] scales = {format.rowBytes()};
        codec.encode(values, 0, 0, 0, format.width(), MemorySegment.ofArray(bytes), rows, scales, 1);
        decode(codec, bytes, 0, format.rowBytes(), back, 0);
        switch (format) {
            case Float32Rows _ -> assertArrayEquals(values, back);
            case BFloat16Rows _ -> {
                for (int i = 0; i < values.length; i++) {
                    assertEquals(BFloat16.round(values[i]), back[i]);
                }
            }
            case TiledRows tiled -> {
                if (tiled.rule() == ScaleRule.FLASH_MLA) {
                    return;
                }
                if (tiled.code() == Code.E4M3) {
                    Fp8Activation.simulate(values, 0, tiled.coded(), tiled.tile(), ScaleRounding.CEIL_POWER_OF_TWO);
                } else {
                    Fp4Scale scale = tiled.scale() == Scale.E8M0 ? Fp4Scale.E8M0 : Fp4Scale.E4M3;
                    if (scale.group() != tiled.tile()) {
                        return;
                    }
                    Fp4Activation.simulate(values, 0, tiled.coded(), scale);
                }
                for (int i = tiled.coded(); i < tiled.width(); i++) {
                    values[i] = BFloat16.round(values[i]);
                }
                assertArrayEquals(values, back);
            }
        }
    }

    @Test
    void everyCodeOfEightAndFourBitsIsWidened() {
        TiledRows eight = TiledRows.fp8IndexKeys(256);
        byte[] row = new byte[eight.bytesPerRow()];
        for (int code = 0; code < 256; code++) {
            row[code] = (byte) code;
        }
        MemorySegment.ofArray(row).set(LittleEndian.FLOAT, 256, 0.5f);
        assertWidened(eight, row);
        // Rows with a NaN take a way of their own.
        row[0x7F] = 0;
        row[0xFF] = 0;
        assertWidened(eight, row);
        byte[] four = new byte[TiledRows.V41_FP4.bytesPerRow()];
        for (int i = 0; i < 8; i++) {
            four[i] = Float4E2M1.pack(2 * i, 2 * i + 1);
        }
        four[256] = Float8E4M3.fromFloat(3.5f);
        float[] back = new float[512];
        decode(RowCodec.of(TiledRows.V41_FP4), four, 0, 256, back, 0);
        for (int code = 0; code < 16; code++) {
            assertEquals(Float4E2M1.toFloat(code) * 3.5f, back[code]);
        }
    }

    private static void decode(RowCodec codec, byte[] bytes, long row, long scales, float[] out, int at) {
        codec.decode(MemorySegment.ofArray(bytes), new long[] {row}, new long[] {scales}, 1, out, at, out.length);
    }

    private static void assertWidened(TiledRows eight, byte[] row) {
        float[] values = new float[256];
        decode(RowCodec.of(eight), row, 0, 256, values, 0);
        for (int i = 0; i < 256; i++) {
            assertEquals(Float8E4M3.toFloat(row[i]) / 2, values[i]);
        }
    }

    /** Traps 24, 25: nibble order; scales at the end of the page and not of the row. */
    @Test
    void sizesAreThoseOfTheReleasedLayouts() {
        assertEquals(656, TiledRows.V32_FP8_SPARSE.bytesPerRow());
        assertEquals(576, TiledRows.V32_FP8_SPARSE.width());
        assertEquals(4, TiledRows.V32_FP8_SPARSE.tiles());
        assertEquals(64L * 656, TiledRows.V32_FP8_SPARSE.pageBytes(64));
        assertEquals(584, TiledRows.MODEL1_FP8_SPARSE.bytesPerRow());
        assertEquals(7, TiledRows.MODEL1_FP8_SPARSE.tiles());
        assertEquals(37440, TiledRows.MODEL1_FP8_SPARSE.pageBytes(64));
        assertEquals(1728, TiledRows.MODEL1_FP8_SPARSE.pageBytes(2));
        assertEquals(528, TiledRows.V41_FP8.bytesPerRow());
        assertEquals(288, TiledRows.V41_FP4.bytesPerRow());
        assertEquals(132, TiledRows.fp8IndexKeys(128).bytesPerRow());
        assertEquals(68, TiledRows.fp4IndexKeys(128).bytesPerRow());
        assertEquals(36, TiledRows.fp4IndexKeys(64).bytesPerRow());
        float[] key = new float[64];
        byte[] row = new byte[36];
        key[0] = 6;
        key[1] = -1;
        long[] rows = {0};
        long[] scales = {32};
        RowCodec.of(TiledRows.fp4IndexKeys(64)).encode(key, 0, 0, 0, 64, MemorySegment.ofArray(row), rows, scales, 1);
        assertEquals(Float4E2M1.pack(7, 10), row[0]);
        assertEquals(127, row[32]);
        assertTrue(row[34] == 127 && row[35] == 127, "the missing exponents are those of 1");
    }
}
