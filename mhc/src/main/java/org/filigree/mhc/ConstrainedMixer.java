package org.filigree.mhc;

import static org.filigree.core.op.Reshape.reshape;

import java.util.Optional;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Tensor;

/** mHC in the released form. */
record ConstrainedMixer(Scores scores, Mixing.DoublyStochastic form) implements Mixer {
    @Override
    public MixWeights weights(Tensor streams) {
        int n = scores.n();
        Scores.Parts parts = scores.of(streams);
        Tensor logits = reshape(parts.mix(), streams.shape().leading(-2, n, n));
        return new MixWeights(parts.pre(), parts.post(), Sinkhorn.sinkhorn(logits, form.iterations(), form.eps()));
    }

    @Override
    public Optional<FusedSubLayer> fused(HyperConnectionsConfig config) {
        Tensor fn = scores.fn().value();
        var operands = new SubLayerKernel.Operands(
                fn, scores.base().value(), scores.scale().value(), form, scores.normEps());
        return Backend.of(fn)
                .kernel(SubLayerKernel.class)
                .filter(kernel -> kernel.supports(scores.n(), config.width()) && !Sinkhorn.onLogarithms(form.eps()))
                .map(kernel -> new FusedSubLayer(kernel, operands));
    }

    @Override
    public ParameterMap parameters() {
        return scores.parameters();
    }
}
