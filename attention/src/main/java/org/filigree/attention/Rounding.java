package org.filigree.attention;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.Fp4Activation;
import org.filigree.core.io.Fp4Scale;
import org.filigree.core.io.Fp8Activation;
import org.filigree.core.io.ScaleRounding;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * What a quantised store would give back, simulated: values pass through the store's numbers and come back as bf16. The gradient goes
 * straight through, dx = dy, as in training with released models.
 */
public sealed interface Rounding {
    /** Values stay as they are. */
    record None() implements Rounding {}

    /**
     * E4M3 with one scale for each group of neighbouring channels.
     *
     * @param group channels that share a scale; divides the width
     * @param scales what becomes of a scale
     */
    record Fp8(int group, ScaleRounding scales) implements Rounding {
        /** Checks the group. */
        public Fp8 {
            Check.positive("rounding: group", group);
        }

        /**
         * With scales that are powers of two, as in all releases since V3.1.
         *
         * @param group channels that share a scale
         * @return the rounding
         */
        public static Fp8 of(int group) {
            return new Fp8(group, ScaleRounding.CEIL_POWER_OF_TWO);
        }
    }

    /**
     * E2M1 with one scale for each group.
     *
     * @param scale kind of scale, and with it the group
     */
    record Fp4(Fp4Scale scale) implements Rounding {}

    /**
     * Rounds, on the host.
     *
     * @param x [.., width], the width a multiple of the group
     * @return same shape
     * @throws ShapeException if the width is no multiple of the group
     */
    default Tensor round(Tensor x) {
        return switch (this) {
            case None() -> x;
            case Fp8(int group, ScaleRounding scales) -> {
                float[] values = grouped(x, group);
                Fp8Activation.simulate(values, 0, values.length, group, scales);
                yield straightThrough(x, values);
            }
            case Fp4(Fp4Scale scale) -> {
                float[] values = grouped(x, scale.group());
                Fp4Activation.simulate(values, 0, values.length, scale);
                yield straightThrough(x, values);
            }
        };
    }

    private static float[] grouped(Tensor x, int group) {
        if (x.dim(-1) % group != 0) {
            throw new ShapeException("rounding: the channels of " + x.shape() + " do not make groups of " + group
                    + "; choose a width" + " that is a multiple of it, or another group");
        }
        return x.toFloats();
    }

    private static Tensor straightThrough(Tensor x, float[] values) {
        return Autograd.record(
                "round", List.of(x), Backend.of(x).tensors().floats(x.shape(), values), dy -> List.of(dy));
    }
}
