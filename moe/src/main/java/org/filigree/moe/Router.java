package org.filigree.moe;

import org.filigree.core.nn.Context;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Tensor;

/** Sends tokens to experts. Implement it to route by anything else: token ids, classes, n-grams, a fixed policy. */
public interface Router {
    /**
     * Routes every token.
     *
     * @param x activations [tokens, width], all sequences of the batch one after the other
     * @param context token ids and whatever else routing depends on
     * @return experts and weights
     */
    Routing route(Tensor x, Context context);

    /** {@return how many experts it routes to} */
    int experts();

    /** {@return its parameters, which a layer lists under {@code gate}} */
    ParameterMap parameters();
}
