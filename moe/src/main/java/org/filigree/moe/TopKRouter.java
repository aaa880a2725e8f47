package org.filigree.moe;

import static org.filigree.core.op.MatMul.matmulTransposed;

import java.util.Optional;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Learned routing: logits z = x·Wᵀ, then a {@linkplain TopKRouting rule}. Parameters {@code weight} and, as state, {@code bias}. */
public final class TopKRouter implements Router {
    private final TopKRouting rule;
    private final Parameter weight;
    private final @Nullable Parameter bias;

    /**
     * A router without correction bias.
     *
     * @param rule how logits become a choice
     * @param weight W [experts, width]
     */
    public TopKRouter(TopKRouting rule, Parameter weight) {
        Check.rank("router", "weight", weight.value(), 2);
        rule.check(weight.shape().dim(0));
        this.rule = rule;
        this.weight = weight;
        this.bias = null;
    }

    /**
     * A router with correction bias.
     *
     * @param rule how logits become a choice
     * @param weight W [experts, width]
     * @param bias [experts], kept by {@link LoadBalance}
     */
    public TopKRouter(TopKRouting rule, Parameter weight, Parameter bias) {
        Check.rank("router", "weight", weight.value(), 2);
        rule.check(weight.shape().dim(0));
        Check.shape("router", "bias", bias.value(), weight.shape().dim(0));
        this.rule = rule;
        this.weight = weight;
        this.bias = bias;
    }

    @Override
    public Routing route(Tensor x, Context context) {
        Tensor logits = matmulTransposed(x, weight.value());
        return bias == null ? rule.route(logits) : rule.route(logits, bias.value());
    }

    /** {@return how logits become a choice} */
    public TopKRouting rule() {
        return rule;
    }

    /** {@return the correction bias [experts], if there is one} */
    public Optional<Parameter> bias() {
        return Optional.ofNullable(bias);
    }

    @Override
    public int experts() {
        return weight.shape().dim(0);
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map = ParameterMap.empty().with("weight", weight);
        return bias == null ? map : map.with("bias", bias);
    }
}
