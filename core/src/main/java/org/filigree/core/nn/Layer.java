package org.filigree.core.nn;

import org.filigree.core.tensor.Tensor;

/**
 * A map from activations to activations with parameters of its own. A layer is complete when its constructor returns, immutable but
 * for the values of its parameters, and safe for inference from several threads: caches, positions, token ids, random streams and
 * listeners come in through the {@link Context}.
 */
public interface Layer {
    /**
     * Applies the layer.
     *
     * @param x activations, usually [batch, tokens, width]
     * @param context what else the layer may need
     * @return activations, usually of the same shape
     */
    Tensor forward(Tensor x, Context context);

    /** {@return every parameter by its dotted path inside this layer} */
    ParameterMap parameters();
}
