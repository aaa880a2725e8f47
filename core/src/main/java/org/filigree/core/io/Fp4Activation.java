package org.filigree.core.io;

import java.util.Objects;

/**
 * Activations in packed E2M1 with one scale per group of consecutive elements, the models' {@code fp4_act_quant}:
 * code = E2M1(clamp(x / s, ±6)).
 *
 * @param packed two codes a byte, see {@link Float4E2M1}
 * @param scales one per group: the number that multiplies the codes back
 * @param scale  how groups are scaled
 */
@SuppressWarnings("ArrayRecordComponent") // Large, and read element by element.
public record Fp4Activation(byte[] packed, float[] scales, Fp4Scale scale) {
    /**
     * Takes the arrays as they are.
     *
     * @throws IllegalArgumentException if the codes do not fill the groups
     */
    public Fp4Activation {
        if ((long) scales.length * scale.group() != 2L * packed.length) {
            throw new IllegalArgumentException("Fp4Activation: " + packed.length + " bytes and " + scales.length
                    + " scales do not make groups of " + scale.group());
        }
    }

    /**
     * Quantises rows whose width is a multiple of the scale's group.
     *
     * @param x     values, left unchanged
     * @param scale how groups are scaled
     * @return packed codes and scales
     * @throws IllegalArgumentException if the group does not divide the length
     */
    public static Fp4Activation quantise(float[] x, Fp4Scale scale) {
        int group = scale.group();
        Fp8Activation.checkGroups(x.length, group);
        byte[] packed = new byte[x.length / 2];
        float[] scales = new float[x.length / group];
        for (int g = 0; g < scales.length; g++) {
            float s = scale.of(BlockScale.amax(x, g * group, group));
            scales[g] = s;
            for (int i = g * group; i < (g + 1) * group; i += 2) {
                packed[i / 2] = Float4E2M1.pack(Float4E2M1.fromFloat(x[i] / s), Float4E2M1.fromFloat(x[i + 1] / s));
            }
        }
        return new Fp4Activation(packed, scales, scale);
    }

    /**
     * Replaces values by what a quantised cache would give back: bf16(code · s).
     *
     * @param x      changed in [from, from + length)
     * @param from   first index
     * @param length how many; a multiple of the scale's group
     * @param scale  how groups are scaled
     * @throws IllegalArgumentException if the group does not divide the length
     */
    public static void simulate(float[] x, int from, int length, Fp4Scale scale) {
        Objects.checkFromIndexSize(from, length, x.length);
        int group = scale.group();
        Fp8Activation.checkGroups(length, group);
        for (int start = from; start < from + length; start += group) {
            float s = scale.of(BlockScale.amax(x, start, group));
            for (int i = start; i < start + group; i++) {
                x[i] = BFloat16.round(Float4E2M1.toFloat(Float4E2M1.fromFloat(x[i] / s)) * s);
            }
        }
    }

    /**
     * The values that the codes stand for, code · s in float32.
     *
     * @return a new array
     */
    public float[] dequantise() {
        float[] x = new float[2 * packed.length];
        for (int i = 0; i < packed.length; i++) {
            float s = scales[2 * i / scale.group()];
            x[2 * i] = Float4E2M1.even(packed[i]) * s;
            x[2 * i + 1] = Float4E2M1.odd(packed[i]) * s;
        }
        return x;
    }
}
