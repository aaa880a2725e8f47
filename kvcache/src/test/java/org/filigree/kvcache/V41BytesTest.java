package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The two layouts of V4.1, for which no bytes made elsewhere exist, against a writer of their own: from the tables of what a code means, by
 * search among all codes; it shares no line with the library. Where the tables are silent, on infinities and NaN, it
 * says what this library promises.
 */
class V41BytesTest {
    private static final int WIDTH = 512;
    private static final int PAGE = 64;

    private final Backend backend = TestBackends.get("scalar");

    /** s1 e4 m3, bias 7: subnormal multiples of 2⁻⁹, no infinities, 0x7F is NaN. */
    private static double e4m3(int code) {
        int exponent = code >> 3 & 15;
        int mantissa = code & 7;
        double magnitude = exponent == 0 ? mantissa / 512.0 : (1 + mantissa / 8.0) * Math.pow(2, exponent - 7);
        return (code & 128) == 0 ? magnitude : -magnitude;
    }

    private static final double[] E2M1 = {0, 0.5, 1, 1.5, 2, 3, 4, 6};

    /** The code whose number is nearest, of two the even one, and the greatest beyond the greatest. */
    private static int nearest(double[] magnitudes, float wanted) {
        int best = 0;
        for (int code = 1; code < magnitudes.length; code++) {
            // Exact for floats between two codes, which have 24 bits.
            double farther = Math.abs(wanted - magnitudes[code]) - Math.abs(wanted - magnitudes[best]);
            if (farther < 0 || (farther == 0 && code % 2 == 0)) {
                best = code;
            }
        }
        return best;
    }

    private static double[] e4m3Magnitudes() {
        double[] magnitudes = new double[127];
        for (int code = 0; code < magnitudes.length; code++) {
            magnitudes[code] = e4m3(code);
        }
        return magnitudes;
    }

    private static final double[] E4M3 = e4m3Magnitudes();

    /** max |x| without NaN, at most the greatest float. */
    private static float amax(float[] row, int from, int tile) {
        float most = 0;
        for (int i = from; i < from + tile; i++) {
            float magnitude = row[i] < 0 ? -row[i] : row[i];
            if (magnitude > most) {
                most = magnitude;
            }
        }
        return most == Float.POSITIVE_INFINITY ? Float.MAX_VALUE : most;
    }

    /** A NaN has none: it becomes 0x7F in E4M3, and 6 in E2M1, which has no NaN. */
    private static int sign(float x) {
        return !Float.isNaN(x) && Float.floatToRawIntBits(x) < 0 ? 1 : 0;
    }

    /** What is divided is a float, and so is what comes out; beyond the greatest code it does not matter how far. */
    private static float quotient(float x, double scale) {
        return Math.min((float) (Math.abs(x) / scale), 1000);
    }

    /** 512 E4M3, the rotary numbers among them, then in the scale row 16 exponents: one for 32, ⌈max(amax, 10⁻⁴) · fl(1/448)⌉ to 2ᵏ. */
    private static void fp8(float[] row, byte[] page, int data, int scales) {
        for (int t = 0; t < 16; t++) {
            float scaled = Math.max(amax(row, 32 * t, 32), 1e-4f) * Float.intBitsToFloat(0x3B124925);
            int exponent = 0;
            double scale = 1;
            while (scale < scaled) {
                scale *= 2;
                exponent++;
            }
            while (scale / 2 >= scaled) {
                scale /= 2;
                exponent--;
            }
            page[scales + t] = (byte) (exponent + 127);
            for (int i = 32 * t; i < 32 * t + 32; i++) {
                int code = Float.isNaN(row[i]) ? 127 : nearest(E4M3, quotient(row[i], scale));
                page[data + i] = (byte) (sign(row[i]) << 7 | code);
            }
        }
    }

    /** 256 bytes, the even number in the low four bits, then in the scale row 32 E4M3: one for 16, E4M3(max(amax, 6 · 2⁻⁹) / 6). */
    private static void fp4(float[] row, byte[] page, int data, int scales) {
        for (int t = 0; t < 32; t++) {
            float sixth = Math.max(amax(row, 16 * t, 16), 6f / 512) / 6;
            int scale = nearest(E4M3, Math.min(sixth, 1000));
            page[scales + t] = (byte) scale;
            for (int i = 16 * t; i < 16 * t + 16; i++) {
                int code = Float.isNaN(row[i]) ? 7 : nearest(E2M1, quotient(row[i], E4M3[scale]));
                int nibble = sign(row[i]) << 3 | code;
                page[data + i / 2] |= (byte) (i % 2 == 0 ? nibble : nibble << 4);
            }
        }
    }

    private static byte[] pages(boolean eight, List<float[]> rows) {
        int data = eight ? 512 : 256;
        int scales = eight ? 16 : 32;
        int alignment = eight ? 512 : 256;
        int pageBytes = (PAGE * (data + scales) + alignment - 1) / alignment * alignment;
        byte[] pages = new byte[(rows.size() + PAGE - 1) / PAGE * pageBytes];
        for (int r = 0; r < rows.size(); r++) {
            int page = r / PAGE * pageBytes;
            int dataAt = page + r % PAGE * data;
            int scalesAt = page + PAGE * data + r % PAGE * scales;
            if (eight) {
                fp8(rows.get(r), pages, dataAt, scalesAt);
            } else {
                fp4(rows.get(r), pages, dataAt, scalesAt);
            }
        }
        return pages;
    }

    /** bf16(code · scale), from the bytes. */
    private static float[] read(boolean eight, byte[] pages, int rows) {
        int data = eight ? 512 : 256;
        int scales = eight ? 16 : 32;
        int pageBytes = pages.length / ((rows + PAGE - 1) / PAGE);
        float[] read = new float[rows * WIDTH];
        for (int r = 0; r < rows; r++) {
            int dataAt = r / PAGE * pageBytes + r % PAGE * data;
            int scalesAt = r / PAGE * pageBytes + PAGE * data + r % PAGE * scales;
            for (int i = 0; i < WIDTH; i++) {
                double value;
                if (eight) {
                    int code = pages[dataAt + i] & 255;
                    double magnitude = (code & 127) == 127 ? Double.NaN : e4m3(code);
                    value = magnitude * Math.pow(2, (pages[scalesAt + i / 32] & 255) - 127);
                } else {
                    int nibble = pages[dataAt + i / 2] >> (i % 2 * 4) & 15;
                    double magnitude = (nibble & 8) == 0 ? E2M1[nibble & 7] : -E2M1[nibble & 7];
                    value = magnitude * e4m3(pages[scalesAt + i / 16] & 255);
                }
                read[r * WIDTH + i] = bfloat16(value);
            }
        }
        return read;
    }

    /** Eight significant bits, of two the even one; the values here need no more exponents than bfloat16 has. */
    private static float bfloat16(double value) {
        if (Double.isNaN(value) || value == 0) {
            return (float) value;
        }
        double unit = Math.pow(2, Math.getExponent(value) - 7);
        double rounded = Math.rint(value / unit) * unit;
        return Math.abs(rounded) > Float.MAX_VALUE
                ? Math.copySign(Float.POSITIVE_INFINITY, (float) value)
                : (float) rounded;
    }

    /** Rows of every kind that rounding distinguishes. */
    private static List<float[]> rows(boolean eight) {
        var rows = new ArrayList<float[]>();
        RandomStream random = RandomStream.of(41);
        int tile = eight ? 32 : 16;
        rows.add(new float[WIDTH]);
        float[] negativeZeros = new float[WIDTH];
        Arrays.fill(negativeZeros, -0f);
        rows.add(negativeZeros);
        for (float spread : new float[] {1, 1e-3f, 1e-6f, 1e-20f, 448, 1e5f, 1e30f}) {
            float[] row = new float[WIDTH];
            random.fillGaussian(row);
            for (int i = 0; i < WIDTH; i++) {
                row[i] *= spread;
            }
            rows.add(row);
        }
        // A spread of its own for each tile, from the least to the greatest floats.
        float[] tiles = new float[WIDTH];
        random.fillGaussian(tiles);
        for (int i = 0; i < WIDTH; i++) {
            int t = i / tile;
            tiles[i] *= (float) Math.pow(2, -140 + 260.0 * t * tile / WIDTH);
        }
        rows.add(tiles);
        double[] codes = eight ? E4M3 : E2M1;
        // Ties between all neighbouring codes under scale 1, which the first number of a tile sets, and what lies
        // beside them.
        for (int step = -1; step <= 1; step++) {
            float[] ties = new float[WIDTH];
            for (int i = 0; i < WIDTH; i++) {
                int code = i % (codes.length - 1);
                float tie = (float) ((codes[code] + codes[code + 1]) / 2);
                tie = Float.intBitsToFloat(Float.floatToIntBits(tie) + step);
                ties[i] = i % tile == 0 ? (float) codes[codes.length - 1] : i % 3 == 0 ? -tie : tie;
            }
            rows.add(ties);
        }
        // Greatest magnitudes at and beside those where the scale steps.
        for (int step = -1; step <= 1; step++) {
            float[] steps = new float[WIDTH];
            random.fillGaussian(steps);
            for (int t = 0; t < WIDTH / tile; t++) {
                float most = eight
                        ? 448 * (float) Math.pow(2, t - 8)
                        : (float) (6 * (E4M3[4 * t - t / 31] + E4M3[4 * t - t / 31 + 1]) / 2);
                float scale = most / 8;
                for (int i = t * tile; i < (t + 1) * tile; i++) {
                    steps[i] = Math.max(-most, Math.min(most, steps[i] * scale));
                }
                steps[t * tile + 3] = Float.intBitsToFloat(Float.floatToIntBits(most) + step);
            }
            rows.add(steps);
        }
        // Least magnitudes: at the bounds of amax, beneath them, subnormal floats.
        float bound = eight ? 1e-4f : 6f / 512;
        for (float least : new float[] {
            bound, Math.nextDown(bound), Math.nextUp(bound), bound / 100, Float.MIN_NORMAL, Float.MIN_VALUE
        }) {
            float[] row = new float[WIDTH];
            for (int i = 0; i < WIDTH; i++) {
                row[i] = (i % 2 == 0 ? least : -least) * (1 - (float) (i % tile) / tile);
            }
            rows.add(row);
        }
        float[] wild = new float[WIDTH];
        random.fillGaussian(wild);
        float[] odd = {
            Float.NaN,
            Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY,
            Float.MAX_VALUE,
            -Float.MAX_VALUE,
            Float.intBitsToFloat(0xFFC00000),
            Float.intBitsToFloat(0x7F800001)
        };
        for (int i = 0; i < odd.length; i++) {
            wild[2 * i * tile + 5] = odd[i];
        }
        rows.add(wild);
        float[] nothingElse = new float[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            nothingElse[i] = odd[i / tile % odd.length];
        }
        rows.add(nothingElse);
        // More than a page, so that scale rows of a second page and rows of its data are where they belong.
        while (rows.size() < PAGE + 7) {
            float[] row = new float[WIDTH];
            random.fillGaussian(row);
            rows.add(row);
        }
        return rows;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyByteIsThatOfTheTables(boolean eight) {
        List<float[]> rows = rows(eight);
        TiledRows format = eight ? TiledRows.V41_FP8 : TiledRows.V41_FP4;
        byte[] expected = pages(eight, rows);
        RowStorage storage = RowStorage.float32(RowLayout.of("key", WIDTH)).with(format, "key");
        float[] all = new float[rows.size() * WIDTH];
        for (int r = 0; r < rows.size(); r++) {
            System.arraycopy(rows.get(r), 0, all, r * WIDTH, WIDTH);
        }
        try (KvCache cache = new ContiguousKvCache(storage, rows.size())) {
            cache.append(cache.end(), List.of(backend.tensors().floats(Shape.of(rows.size(), WIDTH), all)));
            StoredRows stored = cache.rows().stored().getFirst();
            byte[] written = stored.memory().toArray(ValueLayout.JAVA_BYTE);
            assertEquals(expected.length, written.length);
            for (int r = 0; r < rows.size(); r++) {
                assertEquals(hex(eight, expected, r), hex(eight, written, r), "row " + r);
            }
            assertArrayEquals(expected, written);
            float[] read = cache.rows().tensor(backend).toFloats();
            assertArrayEquals(read(eight, expected, rows.size()), read);
        }
        assertArrayEquals(expected, written(format, rows, expected.length), "the plain codec");
        requireEveryCode(eight, expected, rows.size());
    }

    /** Data and scales of one row in hexadecimal digits. */
    private static String hex(boolean eight, byte[] pages, int row) {
        int data = eight ? 512 : 256;
        int scales = eight ? 16 : 32;
        int page = row / PAGE * (pages.length / 2);
        int dataAt = page + row % PAGE * data;
        int scalesAt = page + PAGE * data + row % PAGE * scales;
        return HexFormat.of().formatHex(pages, dataAt, dataAt + data) + " by "
                + HexFormat.of().formatHex(pages, scalesAt, scalesAt + scales);
    }

    private static byte[] written(TiledRows format, List<float[]> rows, int bytes) {
        byte[] pages = new byte[bytes];
        var codec = new NaiveRowCodec(format);
        for (int r = 0; r < rows.size(); r++) {
            long page = r / PAGE * format.pageBytes(PAGE);
            long[] data = {page + (long) r % PAGE * format.rowBytes()};
            long[] scales = {page + (long) PAGE * format.rowBytes() + (long) r % PAGE * format.scaleBytes()};
            codec.encode(rows.get(r), 0, WIDTH, 0, WIDTH, MemorySegment.ofArray(pages), data, scales, 1);
        }
        return pages;
    }

    /** The rows above reach every code, or comparing them says little. */
    private static void requireEveryCode(boolean eight, byte[] pages, int rows) {
        Set<Integer> seen = new HashSet<>();
        for (int r = 0; r < rows; r++) {
            int data = eight ? 512 : 256;
            int at = r / PAGE * (pages.length / 2) + r % PAGE * data;
            for (int i = at; i < at + data; i++) {
                if (eight) {
                    seen.add(pages[i] & 127);
                } else {
                    seen.add(pages[i] & 15);
                    seen.add(pages[i] >> 4 & 15);
                }
            }
        }
        assertEquals(eight ? 128 : 16, seen.size());
    }
}
