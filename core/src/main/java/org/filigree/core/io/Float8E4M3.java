package org.filigree.core.io;

/**
 * E4M3FN: sign, 4 exponent bits (bias 7), 3 mantissa bits. Largest 448 (0x7E), smallest normal 2<sup>-6</sup>,
 * smallest subnormal 2<sup>-9</sup>. No infinities; 0x7F and 0xFF are NaN. Narrowing clamps to ±448, then rounds to
 * nearest, ties to even.
 */
public final class Float8E4M3 {
    /** Largest finite value. */
    public static final float MAX = 448f;

    private static final float MIN_NORMAL = 0x1p-6f;
    private static final float SUBNORMALS_PER_ONE = 0x1p9f;
    private static final int NAN = 0x7F;
    private static final int BIAS_STEP = (127 - 7) << 3;
    private static final float[] VALUES = values();

    private Float8E4M3() {}

    /**
     * Exact.
     *
     * @param code an E4M3 byte
     * @return its value
     */
    public static float toFloat(byte code) {
        return VALUES[code & 0xFF];
    }

    /**
     * Clamps to ±448 and rounds to nearest, ties to even. Zero keeps its sign; infinities become ±448.
     *
     * @param value any float
     * @return the nearest code, 0x7F for NaN
     */
    public static byte fromFloat(float value) {
        if (Float.isNaN(value)) {
            return NAN;
        }
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 24) & 0x80;
        float magnitude = Math.min(Math.abs(value), MAX);
        if (magnitude < MIN_NORMAL) {
            return (byte) (sign | (int) Math.rint(magnitude * SUBNORMALS_PER_ONE));
        }
        int magnitudeBits = Float.floatToRawIntBits(magnitude);
        int rounded = (magnitudeBits + 0x7FFFF + ((magnitudeBits >>> 20) & 1)) >>> 20;
        return (byte) (sign | (rounded - BIAS_STEP));
    }

    private static float[] values() {
        float[] values = new float[256];
        for (int code = 0; code < 256; code++) {
            int exponent = (code >>> 3) & 0xF;
            int mantissa = code & 7;
            float magnitude =
                    exponent == 0 ? mantissa / SUBNORMALS_PER_ONE : Math.scalb(1 + mantissa / 8f, exponent - 7);
            if ((code & 0x7F) == NAN) {
                magnitude = Float.NaN;
            }
            values[code] = code < 0x80 ? magnitude : -magnitude;
        }
        return values;
    }
}
