package org.filigree.moe;

import static org.filigree.core.op.Arithmetic.add;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.filigree.core.nn.Parameter;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * Balances every layer whose router has a correction bias: listens through a batch, then moves the biases. For one training loop on one
 * thread.
 */
public final class BiasBalancer implements RoutingListener {
    private final double speed;
    private final Map<Moe, Tensor> loads = new LinkedHashMap<>();

    /**
     * A balancer that has heard nothing.
     *
     * @param speed γ, 0.001 in V3 and V4
     */
    public BiasBalancer(double speed) {
        Check.notNegative("balance: speed", speed);
        this.speed = speed;
    }

    @Override
    public void routed(Moe layer, Routing routing) {
        if (bias(layer).isPresent()) {
            loads.merge(layer, LoadBalance.load(routing), (sum, load) -> add(sum, load));
        }
    }

    /** Moves the bias of every layer heard since the last step, and forgets their loads. */
    public void step() {
        loads.forEach((layer, load) -> bias(layer).ifPresent(bias -> LoadBalance.update(bias, load, speed)));
        loads.clear();
    }

    /** {@return tokens by expert since the last step, for every layer heard; a copy} */
    public Map<Moe, Tensor> loads() {
        return Map.copyOf(loads);
    }

    private static Optional<Parameter> bias(Moe layer) {
        return layer.router() instanceof TopKRouter router ? router.bias() : Optional.empty();
    }
}
