package org.filigree.core.io;

import java.util.Objects;

/**
 * Activations in E4M3 with one scale per group of consecutive elements, the models' {@code act_quant}:
 * code = E4M3(clamp(x / s, ±448)), with s from {@link BlockScale#forE4M3}.
 *
 * @param codes  one E4M3 byte per element
 * @param scales one per group: the number that multiplies the codes back
 * @param group  elements per scale: 128 for products in V3 to V4, 64 for V4's cache, 32 in V4.1
 */
@SuppressWarnings("ArrayRecordComponent") // Large, and read element by element.
public record Fp8Activation(byte[] codes, float[] scales, int group) {
    /**
     * Takes the arrays as they are.
     *
     * @throws IllegalArgumentException if the codes do not fill the groups
     */
    public Fp8Activation {
        if (group <= 0 || (long) scales.length * group != codes.length) {
            throw new IllegalArgumentException("Fp8Activation: " + codes.length + " codes and " + scales.length
                    + " scales do not make groups of " + group);
        }
    }

    /**
     * Quantises rows whose width is a multiple of the group.
     *
     * @param x        values, left unchanged
     * @param group    elements per scale
     * @param rounding of the scales
     * @return codes and scales
     * @throws IllegalArgumentException if the group does not divide the length
     */
    public static Fp8Activation quantise(float[] x, int group, ScaleRounding rounding) {
        checkGroups(x.length, group);
        byte[] codes = new byte[x.length];
        float[] scales = new float[x.length / group];
        for (int g = 0; g < scales.length; g++) {
            float scale = BlockScale.forE4M3(BlockScale.amax(x, g * group, group), rounding);
            scales[g] = scale;
            for (int i = g * group; i < (g + 1) * group; i++) {
                codes[i] = Float8E4M3.fromFloat(x[i] / scale);
            }
        }
        return new Fp8Activation(codes, scales, group);
    }

    /**
     * Replaces values by what a quantised cache would give back: bf16(code · s).
     *
     * @param x        changed in [from, from + length)
     * @param from     first index
     * @param length   how many; a multiple of the group
     * @param group    elements per scale
     * @param rounding of the scales
     * @throws IllegalArgumentException if the group does not divide the length
     */
    public static void simulate(float[] x, int from, int length, int group, ScaleRounding rounding) {
        Objects.checkFromIndexSize(from, length, x.length);
        checkGroups(length, group);
        for (int start = from; start < from + length; start += group) {
            float scale = BlockScale.forE4M3(BlockScale.amax(x, start, group), rounding);
            for (int i = start; i < start + group; i++) {
                x[i] = BFloat16.round(Float8E4M3.toFloat(Float8E4M3.fromFloat(x[i] / scale)) * scale);
            }
        }
    }

    /**
     * The values that the codes stand for, code · s in float32.
     *
     * @return a new array
     */
    public float[] dequantise() {
        float[] x = new float[codes.length];
        for (int i = 0; i < x.length; i++) {
            x[i] = Float8E4M3.toFloat(codes[i]) * scales[i / group];
        }
        return x;
    }

    static void checkGroups(int length, int group) {
        if (group <= 0 || length % group != 0) {
            throw new IllegalArgumentException("quantise: " + length + " elements do not make groups of " + group
                    + "; pad each row to a multiple of the group?");
        }
    }
}
