package org.filigree.core.io;

/**
 * E2M1: sign, 2 exponent bits (bias 1), 1 mantissa bit. Codes 0 to 7 are 0, ½, 1, 1½, 2, 3, 4, 6; bit 3 is the sign,
 * so code 8 is −0. No infinities and no NaN. Narrowing clamps to ±6 and rounds to nearest, ties to the even code. Two
 * codes share a byte: element 2i in the low nibble, 2i + 1 in the high one.
 */
public final class Float4E2M1 {
    /** Largest value. */
    public static final float MAX = 6f;

    private static final float[] VALUES = {
        0f, 0.5f, 1f, 1.5f, 2f, 3f, 4f, 6f, -0f, -0.5f, -1f, -1.5f, -2f, -3f, -4f, -6f
    };

    private Float4E2M1() {}

    /**
     * Exact.
     *
     * @param code a code; only its low four bits count
     * @return its value
     */
    public static float toFloat(int code) {
        return VALUES[code & 0xF];
    }

    /**
     * Clamps to ±6 and rounds to nearest, ties to the even code. A negative value that rounds to zero gives −0, code
     * 8. A NaN, which the format lacks, becomes 6 as in the hardware's saturating conversion.
     *
     * @param value any float
     * @return the nearest code, 0 to 15
     */
    public static int fromFloat(float value) {
        if (Float.isNaN(value)) {
            return 7;
        }
        return (Float.floatToRawIntBits(value) >>> 28 & 8) | magnitudeCode(Math.abs(value));
    }

    /** At the midpoints ¼, ¾, 1¼, 1¾, 2½, 3½, 5 the comparison is strict where the upper code is the even one. */
    private static int magnitudeCode(float magnitude) {
        if (magnitude <= 1.25f) {
            if (magnitude <= 0.25f) {
                return 0;
            }
            return magnitude < 0.75f ? 1 : 2;
        }
        if (magnitude <= 2.5f) {
            return magnitude < 1.75f ? 3 : 4;
        }
        if (magnitude < 3.5f) {
            return 5;
        }
        return magnitude <= 5f ? 6 : 7;
    }

    /**
     * The byte that holds two codes.
     *
     * @param even code of element 2i
     * @param odd  code of element 2i + 1
     * @return the byte
     */
    public static byte pack(int even, int odd) {
        return (byte) ((even & 0xF) | (odd & 0xF) << 4);
    }

    /**
     * Value of element 2i.
     *
     * @param packed a byte of two codes
     * @return the low nibble's value
     */
    public static float even(byte packed) {
        return VALUES[packed & 0xF];
    }

    /**
     * Value of element 2i + 1.
     *
     * @param packed a byte of two codes
     * @return the high nibble's value
     */
    public static float odd(byte packed) {
        return VALUES[packed >>> 4 & 0xF];
    }
}
