package org.filigree.core.io;

/**
 * E8M0 (UE8M0): eight exponent bits and nothing else. Byte b is 2<sup>b−127</sup>; byte 255 is NaN. It has no sign
 * and no zero, and serves as a scale. Byte 0, 2<sup>-127</sup>, is a subnormal float32.
 */
public final class Float8E8M0 {
    private static final int NAN = 0xFF;
    private static final int LOWEST_BITS = 0x00400000;

    private Float8E8M0() {}

    /**
     * Exact.
     *
     * @param code an E8M0 byte
     * @return its value
     */
    public static float toFloat(byte code) {
        int exponent = code & 0xFF;
        if (exponent == NAN) {
            return Float.NaN;
        }
        return Float.intBitsToFloat(exponent == 0 ? LOWEST_BITS : exponent << 23);
    }

    /**
     * Exact, so only for the values that the format has. Round a scale up with {@link BlockScale#ceilPowerOfTwo} first.
     *
     * @param value a power of two from 2<sup>-127</sup> to 2<sup>127</sup>, or NaN
     * @return its code
     * @throws IllegalArgumentException for every other value
     */
    public static byte fromFloat(float value) {
        if (Float.isNaN(value)) {
            return (byte) NAN;
        }
        int bits = Float.floatToRawIntBits(value);
        if (bits == LOWEST_BITS) {
            return 0;
        }
        if (bits <= 0 || (bits & 0x7FFFFF) != 0 || value == Float.POSITIVE_INFINITY) {
            throw new IllegalArgumentException("E8M0 holds powers of two from 2^-127 to 2^127 but the value is " + value
                    + "; round the scale up first?");
        }
        return (byte) (bits >>> 23);
    }
}
