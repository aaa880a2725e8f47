package org.filigree.core.io;

/**
 * E5M2: sign, 5 exponent bits (bias 15), 2 mantissa bits; a float16 cut after 8 bits. Largest finite 57344 (0x7B),
 * 0x7C is infinity, 0x7D to 0x7F are NaN. Narrowing rounds to nearest, ties to even, and overflows to infinity as
 * float16 does.
 */
public final class Float8E5M2 {
    /** Largest finite value. */
    public static final float MAX = 57344f;

    private static final float MIN_NORMAL = 0x1p-14f;
    private static final float SUBNORMALS_PER_ONE = 0x1p16f;
    private static final int INFINITY = 0x7C;
    private static final int NAN = 0x7E;
    private static final int BIAS_STEP = (127 - 15) << 2;
    private static final float[] VALUES = values();

    private Float8E5M2() {}

    /**
     * Exact.
     *
     * @param code an E5M2 byte
     * @return its value
     */
    public static float toFloat(byte code) {
        return VALUES[code & 0xFF];
    }

    /**
     * Rounds to nearest, ties to even.
     *
     * @param value any float
     * @return the nearest code; 0x7C or 0xFC where that overflows; 0x7E for NaN
     */
    public static byte fromFloat(float value) {
        if (Float.isNaN(value)) {
            return NAN;
        }
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 24) & 0x80;
        float magnitude = Math.abs(value);
        if (magnitude < MIN_NORMAL) {
            return (byte) (sign | (int) Math.rint(magnitude * SUBNORMALS_PER_ONE));
        }
        int magnitudeBits = Float.floatToRawIntBits(magnitude);
        int rounded = (magnitudeBits + 0xFFFFF + ((magnitudeBits >>> 21) & 1)) >>> 21;
        return (byte) (sign | Math.min(rounded - BIAS_STEP, INFINITY));
    }

    private static float[] values() {
        float[] values = new float[256];
        for (int code = 0; code < 256; code++) {
            values[code] = Float.float16ToFloat((short) (code << 8));
        }
        return values;
    }
}
