package org.filigree.moe;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Reshape.reshape;

import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.SwiGlu;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A mixture-of-experts feed-forward layer: y = Σ_{e chosen} w_e·E_e(x) + S(x) with SwiGLU experts E_e and a shared one S. Dropless: every
 * chosen expert serves its token. A token's experts are added in ascending order.
 *
 * <p>Parameters: the router's under {@code gate}; {@code experts.w1} and {@code experts.w3} [experts, hidden, width] and {@code experts.w2}
 * [experts, width, hidden], which are the released {@code experts.N.w1.weight} and so on stacked by N; {@code shared_experts.w1.weight},
 * {@code .w2.weight}, {@code .w3.weight}.
 */
public final class Moe implements Layer {
    private final MoeConfig config;
    private final Router router;
    private final Experts experts;
    private final @Nullable SwiGlu shared;

    Moe(MoeConfig config, Router router, Experts experts, @Nullable SwiGlu shared) {
        if (router.experts() != config.experts()) {
            throw new IllegalArgumentException(
                    "moe: the router routes to " + router.experts() + " experts but there are " + config.experts());
        }
        this.config = config;
        this.router = router;
        this.experts = experts;
        this.shared = shared;
    }

    /**
     * Applies the layer.
     *
     * @param x [outer…, width]
     * @param context may hold a {@link RoutingListener}; whatever the router needs
     * @return same shape
     */
    @Override
    public Tensor forward(Tensor x, Context context) {
        Check.dtype("moe", "x", x, DType.FLOAT32);
        Check.lastDim("moe", "x", x, config.width());
        int tokens = Math.toIntExact(x.shape().count(0, x.shape().rank() - 1));
        Tensor rows = reshape(x, tokens, config.width());
        Routing routing = router.route(rows, context);
        context.find(RoutingListener.KEY).ifPresent(listener -> listener.routed(this, routing));
        Tensor y = experts.forward(rows, routing);
        return reshape(shared == null ? y : add(y, shared.forward(rows)), x.shape());
    }

    /** {@return sizes and form} */
    public MoeConfig config() {
        return config;
    }

    /** {@return what sends tokens to experts} */
    public Router router() {
        return router;
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map =
                ParameterMap.empty().with("gate", router.parameters()).with("experts", experts.parameters());
        return shared == null ? map : map.with("shared_experts", shared.parameters());
    }

    @Override
    public String toString() {
        return "Moe{experts: " + config.experts() + ", k: " + config.routing().k() + ", shared: " + config.shared()
                + ", width: " + config.width() + ", hidden: " + config.hidden() + ", parameters: "
                + parameters().elements() + "}";
    }
}
