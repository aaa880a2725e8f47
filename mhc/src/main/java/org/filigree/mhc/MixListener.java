package org.filigree.mhc;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Tensor;

/**
 * Hears the weights of every sub-layer's connections. Attach one with {@code context.with(MixListener.KEY, listener)}; without one,
 * nothing is computed or kept for it. {@link StabilityMonitor} is one that measures.
 */
@FunctionalInterface
public interface MixListener {
    /** The attachment. */
    Context.Key<MixListener> KEY = new Context.Key<>("mix listener", MixListener.class);

    /**
     * Called in the forward pass, once a sub-layer and before it runs; so calls come in the order of depth.
     *
     * @param connections whose weights they are
     * @param weights without gradient
     */
    void mixed(HyperConnections connections, MixWeights weights);

    /**
     * Tells the listener of a pass, if it has one. The weights are computed for it apart, so that the pass itself is the same,
     * fused or not, bit for bit, whether somebody listens or nobody does.
     *
     * @param context of the pass
     * @param connections of the sub-layer
     * @param streams what they are about to read
     */
    static void tell(Context context, HyperConnections connections, Tensor streams) {
        context.find(KEY)
                .ifPresent(listener ->
                        listener.mixed(connections, Autograd.withoutGradients(() -> connections.weights(streams))));
    }
}
