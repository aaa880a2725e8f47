package org.filigree.v4.stability;

import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.tensor.Tensor;

/** A layer behind a norm of its own. */
record PreNorm(RmsNorm norm, Layer layer) implements Layer {
    @Override
    public Tensor forward(Tensor x, Context context) {
        return layer.forward(norm.forward(x), context);
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty().with("norm", norm.parameters()).with("layer", layer.parameters());
    }
}
