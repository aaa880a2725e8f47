package org.filigree.engram;

import org.filigree.core.tensor.Check;

/** What happens to gated values along the tokens before they join the streams. */
public sealed interface Convolution {
    /** Nothing, as in DeepSeek-V4.1. */
    record None() implements Convolution {}

    /**
     * A causal depthwise convolution of the normalised values with SiLU behind it, added to the values:
     * {@code y = ṽ + silu(Σ_j w_j·norm(ṽ)[t − (kernel−1−j)·dilation])}.
     *
     * @param kernel number of taps, the last of them at the present token
     * @param dilation tokens between taps
     * @param eps added to the mean square in the norm before it
     */
    record Depthwise(int kernel, int dilation, double eps) implements Convolution {
        /** Checks the sizes. */
        public Depthwise {
            Check.positive("engram: convolution kernel", kernel);
            Check.positive("engram: convolution dilation", dilation);
            Check.notNegative("engram: convolution eps", eps);
        }
    }

    /** {@return no convolution} */
    static Convolution none() {
        return new None();
    }

    /**
     * A short convolution with the published eps, 10⁻⁵.
     *
     * @param kernel number of taps
     * @param dilation tokens between taps; published models take the longest order of n-gram
     * @return the convolution
     */
    static Convolution ofKernel(int kernel, int dilation) {
        return new Depthwise(kernel, dilation, 1e-5);
    }

    /** {@return how many earlier tokens it looks at} */
    default int reach() {
        return switch (this) {
            case None() -> 0;
            case Depthwise(int kernel, int dilation, double _) -> Math.multiplyExact(kernel - 1, dilation);
        };
    }
}
