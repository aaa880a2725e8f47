package org.filigree.moe;

import org.filigree.core.nn.Context;

/**
 * Hears of every routing. Attach one with {@code context.with(RoutingListener.KEY, listener)}; without one, nothing is computed or kept
 * for statistics.
 */
@FunctionalInterface
public interface RoutingListener {
    /** The attachment. */
    Context.Key<RoutingListener> KEY = new Context.Key<>("routing listener", RoutingListener.class);

    /**
     * Called in the forward pass, after routing and before the experts.
     *
     * @param layer which layer routed
     * @param routing its tensors; differentiable in training, so a balance loss may be made from them
     */
    void routed(Moe layer, Routing routing);
}
