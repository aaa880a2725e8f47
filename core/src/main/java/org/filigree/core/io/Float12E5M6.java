package org.filigree.core.io;

/**
 * E5M6: sign, 5 exponent bits, 6 mantissa bits; the upper 12 bits of a float16, as TileKernels defines it. Largest
 * finite 65024 (0x7BF). Eight codes travel in three 32-bit words.
 *
 * <p>Narrowing cuts to float16 toward zero and rounds by the low 17 bits of the float32: to nearest, ties to even,
 * for normal values; for float16 subnormals an approximation, kept because the kernels' bits depend on it. Values
 * past 65024 round to infinity: clamp first.
 */
public final class Float12E5M6 {
    /** Largest finite value. */
    public static final float MAX = 65024f;

    private static final int NAN = 0x7E0;
    private static final float HALF_MIN_NORMAL = 0x1p-14f;
    private static final float HALF_SUBNORMALS_PER_ONE = 0x1p24f;
    private static final int HALF_MAX = 0x7BFF;
    private static final int HALF_BIAS_STEP = (127 - 15) << 10;

    private Float12E5M6() {}

    /**
     * Exact.
     *
     * @param code a code; only its low twelve bits count
     * @return its value
     */
    public static float toFloat(int code) {
        return Float.float16ToFloat((short) (code << 4));
    }

    /**
     * Narrows by the rule of the class comment.
     *
     * @param value any float
     * @return a code, 0 to 0xFFF; 0x7E0 for NaN
     */
    public static int fromFloat(float value) {
        if (Float.isNaN(value)) {
            return NAN;
        }
        int bits = Float.floatToRawIntBits(value);
        int code = halfTowardZero(value) >>> 4;
        int remainder = bits & 0x1FFFF;
        if ((code & 1) + remainder > 0x10000) {
            code++;
        }
        return (bits >>> 20 & 0x800) | code;
    }

    private static int halfTowardZero(float value) {
        float magnitude = Math.abs(value);
        if (magnitude == Float.POSITIVE_INFINITY) {
            return 0x7C00;
        }
        if (magnitude < HALF_MIN_NORMAL) {
            return (int) (magnitude * HALF_SUBNORMALS_PER_ONE);
        }
        return Math.min((Float.floatToRawIntBits(magnitude) >>> 13) - HALF_BIAS_STEP, HALF_MAX);
    }

    /**
     * Packs eight codes into three words.
     *
     * @param codes twelve bits each
     * @param from  index of the first of eight codes
     * @param words receives three words
     * @param at    index of the first word
     */
    public static void pack(int[] codes, int from, int[] words, int at) {
        words[at] = codes[from] << 20 | (codes[from + 1] & 0xFFF) << 8 | (codes[from + 2] & 0xFFF) >>> 4;
        words[at + 1] = codes[from + 2] << 28
                | (codes[from + 3] & 0xFFF) << 16
                | (codes[from + 4] & 0xFFF) << 4
                | (codes[from + 5] & 0xFFF) >>> 8;
        words[at + 2] = codes[from + 5] << 24 | (codes[from + 6] & 0xFFF) << 12 | (codes[from + 7] & 0xFFF);
    }

    /**
     * The inverse of {@link #pack}.
     *
     * @param words three words of eight codes
     * @param from  index of the first word
     * @param codes receives eight codes
     * @param at    index of the first code
     */
    public static void unpack(int[] words, int from, int[] codes, int at) {
        int w0 = words[from];
        int w1 = words[from + 1];
        int w2 = words[from + 2];
        codes[at] = w0 >>> 20;
        codes[at + 1] = w0 >>> 8 & 0xFFF;
        codes[at + 2] = (w0 << 4 | w1 >>> 28) & 0xFFF;
        codes[at + 3] = w1 >>> 16 & 0xFFF;
        codes[at + 4] = w1 >>> 4 & 0xFFF;
        codes[at + 5] = (w1 << 8 | w2 >>> 24) & 0xFFF;
        codes[at + 6] = w2 >>> 12 & 0xFFF;
        codes[at + 7] = w2 & 0xFFF;
    }
}
