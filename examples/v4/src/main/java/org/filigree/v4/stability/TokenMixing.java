package org.filigree.v4.stability;

import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.CausalConvolution.causalConvolution;
import static org.filigree.core.op.Pointwise.sigmoid;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Initializer;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * A cheap stand-in for attention: y = W₂·silu(taps ∗ W₁x), a causal convolution of four taps, some tokens apart, along every channel.
 */
record TokenMixing(Linear in, Parameter taps, int dilation, Linear out) implements Layer {
    private static final int TAPS = 4;

    static TokenMixing init(int width, int dilation, Backend backend, RandomStream random) {
        return new TokenMixing(
                LinearConfig.of(width, width).init(backend, random.fork("in")),
                Parameter.learned(Initializer.normal(1 / Math.sqrt(TAPS))
                        .draw(backend, Shape.of(width, TAPS), random.fork("taps"))),
                dilation,
                LinearConfig.of(width, width).init(backend, random.fork("out")));
    }

    @Override
    public Tensor forward(Tensor x, Context context) {
        Tensor mixed = causalConvolution(in.forward(x), taps.value(), dilation);
        return out.forward(multiply(mixed, sigmoid(mixed)));
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty()
                .with("in", in.parameters())
                .with("taps", taps)
                .with("out", out.parameters());
    }
}
