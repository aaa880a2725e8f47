package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** Causal depthwise convolution along tokens, with dilation. */
public interface CausalConvolutionKernel extends FusedKernel {
    /**
     * y[t, c] = Σ_j w[c, j]·x[t − (taps−1−j)·dilation, c], zero before the start.
     *
     * @param x [batch, tokens, channels]
     * @param weight [channels, taps]
     * @param dilation tokens between taps
     * @return same shape as x
     */
    Tensor convolve(Tensor x, Tensor weight, int dilation);

    /**
     * Gradients of both operands.
     *
     * @param x [batch, tokens, channels]
     * @param weight [channels, taps]
     * @param dilation tokens between taps
     * @param dy gradient of the result
     * @return gradients
     */
    Gradient gradient(Tensor x, Tensor weight, int dilation, Tensor dy);

    /**
     * What the backward pass gives.
     *
     * @param dx [batch, tokens, channels]
     * @param dWeight [channels, taps]
     */
    record Gradient(Tensor dx, Tensor dWeight) {}
}
