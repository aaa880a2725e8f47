package org.filigree.mhc;

import static org.filigree.core.op.Broadcasting.broadcastTo;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.split;

import java.util.List;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** The same weights for every token: the base itself, in the order pre, post, comb. */
record FixedMixer(int n, Parameter base) implements Mixer {
    @Override
    public MixWeights weights(Tensor streams) {
        List<Tensor> parts = split(base.value(), -1, n, n, n * n);
        Shape line = streams.shape().leading(-1);
        return new MixWeights(
                broadcastTo(parts.get(0), line),
                broadcastTo(parts.get(1), line),
                broadcastTo(reshape(parts.get(2), n, n), line.leading(line.rank(), n)));
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty().with("base", base);
    }
}
