package org.filigree.core.io;

/**
 * bfloat16: sign, 8 exponent bits, 7 mantissa bits; the upper half of a float32. Narrowing rounds to nearest, ties to
 * even; overflow gives infinity, and a NaN stays a NaN.
 */
public final class BFloat16 {
    private BFloat16() {}

    /**
     * Exact.
     *
     * @param bits a bfloat16
     * @return its value
     */
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /**
     * Rounds to nearest, ties to even.
     *
     * @param value any float
     * @return the bits of the nearest bfloat16; a NaN keeps its sign and upper payload and becomes quiet
     */
    public static short fromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    /**
     * The value after one trip through bfloat16.
     *
     * @param value any float
     * @return the nearest bfloat16, as a float
     */
    public static float round(float value) {
        return toFloat(fromFloat(value));
    }
}
