package org.filigree.core.io;

/**
 * The scale of a block of numbers before they are narrowed to a few bits: the block's greatest magnitude, mapped onto
 * the narrow format's largest value. The constants and the order of operations are those of the released models, to
 * the last bit.
 */
public final class BlockScale {
    private static final float E4M3_FLOOR = 1e-4f;
    private static final float E4M3_INVERSE_MAX = 1f / Float8E4M3.MAX;
    private static final float E2M1_FLOOR = Float4E2M1.MAX * 0x1p-126f;
    private static final float E2M1_FLOOR_OF_E4M3_SCALES = Float4E2M1.MAX * 0x1p-9f;
    private static final float E2M1_INVERSE_MAX = 1f / Float4E2M1.MAX;

    private BlockScale() {}

    /**
     * The least power of two that is not below a value.
     *
     * @param value positive; values below 2<sup>-126</sup> count as that, values past 2<sup>127</sup> give infinity
     * @return a power of two, or NaN for NaN
     * @throws IllegalArgumentException if the value is zero or negative
     */
    public static float ceilPowerOfTwo(float value) {
        if (value <= 0) {
            throw new IllegalArgumentException("ceilPowerOfTwo: the value is " + value + " but must be positive");
        }
        if (Float.isNaN(value)) {
            return value;
        }
        int bits = Float.floatToRawIntBits(Math.max(value, Float.MIN_NORMAL));
        return Float.intBitsToFloat((bits + 0x7FFFFF) & 0xFF800000);
    }

    /**
     * Scale of an activation block for E4M3: max(amax, 10<sup>-4</sup>) / 448, or with rounding ⌈max(amax,
     * 10<sup>-4</sup>) · fl(1/448)⌉ to a power of two.
     *
     * @param amax     greatest magnitude of the block
     * @param rounding what becomes of the quotient
     * @return the number to divide by
     */
    public static float forE4M3(float amax, ScaleRounding rounding) {
        float bounded = Math.max(amax, E4M3_FLOOR);
        return switch (rounding) {
            case NONE -> bounded / Float8E4M3.MAX;
            case CEIL_POWER_OF_TWO -> ceilPowerOfTwo(bounded * E4M3_INVERSE_MAX);
        };
    }

    /**
     * Power-of-two scale of a block for E2M1: ⌈max(amax, 6 · 2<sup>-126</sup>) · fl(1/6)⌉.
     *
     * @param amax greatest magnitude of the block
     * @return the number to divide by; fits E8M0
     */
    public static float forE2M1(float amax) {
        return ceilPowerOfTwo(Math.max(amax, E2M1_FLOOR) * E2M1_INVERSE_MAX);
    }

    /**
     * Scale of a block for E2M1 that is itself stored in E4M3: E4M3(max(amax, 6 · 2<sup>-9</sup>) / 6). It may round
     * below amax / 6, so the block must be clamped.
     *
     * @param amax greatest magnitude of the block
     * @return the number to divide by; an E4M3 value
     */
    public static float forE2M1WithE4M3Scale(float amax) {
        float bounded = Math.max(amax, E2M1_FLOOR_OF_E4M3_SCALES);
        return Float8E4M3.toFloat(Float8E4M3.fromFloat(bounded / Float4E2M1.MAX));
    }

    /**
     * Greatest magnitude of a range. A NaN does not count, as in the hardware's maximum.
     *
     * @param x      values
     * @param from   first index
     * @param length how many
     * @return 0 for an empty range
     */
    public static float amax(float[] x, int from, int length) {
        float amax = 0;
        for (int i = from; i < from + length; i++) {
            float magnitude = Math.abs(x[i]);
            if (magnitude > amax) {
                amax = magnitude;
            }
        }
        return amax;
    }
}
