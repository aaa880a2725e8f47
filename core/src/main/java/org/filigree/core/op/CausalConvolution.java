package org.filigree.core.op;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.CausalConvolutionKernel;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Causal depthwise convolution: y[t, c] = Σ_j w[c, j]·x[t − (taps−1−j)·dilation, c], zero before the start. */
public final class CausalConvolution {
    private CausalConvolution() {}

    /**
     * Convolves every channel along tokens; the last tap multiplies the present token.
     *
     * @param x [batch, tokens, channels]
     * @param weight [channels, taps]
     * @param dilation tokens between taps
     * @return same shape as x
     */
    public static Tensor causalConvolution(Tensor x, Tensor weight, int dilation) {
        Check.dtype("causalConvolution", "x", x, DType.FLOAT32);
        Check.rank("causalConvolution", "x", x, 3);
        Check.rank("causalConvolution", "weight", weight, 2);
        Check.shape("causalConvolution", "weight", weight, x.dim(2), weight.dim(1));
        Check.positive("causalConvolution: taps", weight.dim(1));
        Check.positive("causalConvolution: dilation", dilation);
        return Backend.common("causalConvolution", x, weight)
                .kernel(CausalConvolutionKernel.class)
                .map(kernel -> fused(kernel, x, weight, dilation))
                .orElseGet(() -> composed(x, weight, dilation));
    }

    private static Tensor fused(CausalConvolutionKernel kernel, Tensor x, Tensor weight, int dilation) {
        return Autograd.record("causalConvolution", List.of(x, weight), kernel.convolve(x, weight, dilation), dy -> {
            CausalConvolutionKernel.Gradient gradient = kernel.gradient(x, weight, dilation, dy);
            return List.of(gradient.dx(), gradient.dWeight());
        });
    }

    static Tensor composed(Tensor x, Tensor weight, int dilation) {
        int tokens = x.dim(1);
        int taps = weight.dim(1);
        Tensor y = multiply(x, tap(weight, taps - 1));
        for (int back = 1; back < taps && back * dilation < tokens; back++) {
            int gap = back * dilation;
            Tensor zeros = Backend.of(x).tensors().zeros(Shape.of(x.dim(0), gap, x.dim(2)));
            Tensor shifted = concat(1, zeros, slice(x, 1, 0, tokens - gap));
            y = add(y, multiply(shifted, tap(weight, taps - 1 - back)));
        }
        return y;
    }

    private static Tensor tap(Tensor weight, int j) {
        return reshape(slice(weight, 1, j, j + 1), weight.dim(0));
    }
}
