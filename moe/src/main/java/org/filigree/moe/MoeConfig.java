package org.filigree.moe;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Initializer;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.SwiGlu;
import org.filigree.core.nn.SwiGluConfig;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.jspecify.annotations.Nullable;

/**
 * Sizes and form of a mixture-of-experts layer.
 *
 * @param width width of the activations
 * @param experts number of routed experts
 * @param hidden width inside each expert
 * @param routing how experts are chosen and weighed
 * @param bias whether the choice has a correction bias, kept by {@link LoadBalance}
 * @param shared how many experts all tokens share, computed as one of that many times the hidden width
 * @param limit clamp of gate and up projections, in shared experts too; +∞ for none
 * @param placement where routing weights are multiplied in
 */
public record MoeConfig(
        int width,
        int experts,
        int hidden,
        TopKRouting routing,
        CorrectionBias bias,
        int shared,
        double limit,
        WeightPlacement placement) {
    /** Whether the choice of experts has a correction bias. */
    public enum CorrectionBias {
        /** Scores alone choose. */
        ABSENT,
        /** A bias per expert is added to the scores for the choice. */
        PRESENT
    }

    /** Checks the sizes. */
    public MoeConfig {
        Check.positive("moe: width", width);
        Check.positive("moe: experts", experts);
        Check.positive("moe: hidden", hidden);
        Check.notNegative("moe: shared", shared);
        routing.check(experts);
        if (!(limit > 0)) {
            throw new IllegalArgumentException("moe: limit must be positive (infinite for none) but is " + limit);
        }
    }

    /**
     * One expert a token by sqrt-softplus with correction bias, experts of half the width, nothing shared, no clamp, weights
     * before the down projection.
     *
     * @param width width of the activations
     * @param experts number of routed experts
     * @return the configuration
     */
    public static MoeConfig of(int width, int experts) {
        return new MoeConfig(
                width,
                experts,
                Math.max(1, width / 2),
                TopKRouting.of(1, Scoring.SQRT_SOFTPLUS),
                CorrectionBias.PRESENT,
                0,
                Double.POSITIVE_INFINITY,
                WeightPlacement.BEFORE_DOWN);
    }

    /**
     * The same with another number of experts for a token.
     *
     * @param k how many
     * @return a new configuration
     */
    public MoeConfig withTopK(int k) {
        return withRouting(routing.withK(k));
    }

    /**
     * The same with another width inside experts.
     *
     * @param inside width inside each expert
     * @return a new configuration
     */
    public MoeConfig withHidden(int inside) {
        return new MoeConfig(width, experts, inside, routing, bias, shared, limit, placement);
    }

    /**
     * The same with another routing rule.
     *
     * @param rule how experts are chosen and weighed
     * @return a new configuration
     */
    public MoeConfig withRouting(TopKRouting rule) {
        return new MoeConfig(width, experts, hidden, rule, bias, shared, limit, placement);
    }

    /**
     * The same with or without a correction bias.
     *
     * @param correction whether there is one
     * @return a new configuration
     */
    public MoeConfig withBias(CorrectionBias correction) {
        return new MoeConfig(width, experts, hidden, routing, correction, shared, limit, placement);
    }

    /**
     * The same with other shared experts.
     *
     * @param count how many
     * @return a new configuration
     */
    public MoeConfig withShared(int count) {
        return new MoeConfig(width, experts, hidden, routing, bias, count, limit, placement);
    }

    /**
     * The same with a clamp.
     *
     * @param clamp limit of gate and up projections; 10 in V4
     * @return a new configuration
     */
    public MoeConfig withLimit(double clamp) {
        return new MoeConfig(width, experts, hidden, routing, bias, shared, clamp, placement);
    }

    /**
     * The same with routing weights elsewhere.
     *
     * @param where where they are multiplied in
     * @return a new configuration
     */
    public MoeConfig withPlacement(WeightPlacement where) {
        return new MoeConfig(width, experts, hidden, routing, bias, shared, limit, where);
    }

    /**
     * Builds the layer with a {@link TopKRouter}.
     *
     * @param backend where its parameters live
     * @param random draws the weights
     * @return the layer
     */
    public Moe init(Backend backend, RandomStream random) {
        Parameter weight =
                Parameter.learned(Initializer.fanIn().draw(backend, Shape.of(experts, width), random.fork("gate")));
        Router router = bias == CorrectionBias.ABSENT
                ? new TopKRouter(routing, weight)
                : new TopKRouter(
                        routing, weight, Parameter.state(backend.tensors().zeros(Shape.of(experts))));
        return init(backend, random, router);
    }

    /**
     * Builds the layer around another router.
     *
     * @param backend where its parameters live
     * @param random draws the experts' weights
     * @param router sends tokens to experts
     * @return the layer
     */
    public Moe init(Backend backend, RandomStream random, Router router) {
        RandomStream draw = random.fork("experts");
        ParameterMap parameters = ParameterMap.empty()
                .with("experts.w1", drawn(backend, draw.fork("w1"), hidden, width))
                .with("experts.w2", drawn(backend, draw.fork("w2"), width, hidden))
                .with("experts.w3", drawn(backend, draw.fork("w3"), hidden, width));
        if (shared > 0) {
            SwiGlu layer = new SwiGluConfig(width, shared * hidden, limit).init(backend, random.fork("shared"));
            parameters = parameters.with("shared_experts", layer.parameters());
        }
        return over(router, parameters);
    }

    private Parameter drawn(Backend backend, RandomStream random, int rows, int columns) {
        return Parameter.learned(Initializer.fanIn().draw(backend, Shape.of(experts, rows, columns), random));
    }

    /**
     * The layer over parameters that exist already, under the paths that {@link Moe} lists.
     *
     * @param router sends tokens to experts; has its parameters itself
     * @param parameters {@code experts.…} and, if any are shared, {@code shared_experts.…}
     * @return the layer
     * @throws org.filigree.core.tensor.ShapeException if one has another shape
     */
    public Moe over(Router router, ParameterMap parameters) {
        return new Moe(this, router, new Experts(this, parameters), sharedOver(parameters));
    }

    private @Nullable SwiGlu sharedOver(ParameterMap parameters) {
        return shared == 0
                ? null
                : new SwiGlu(
                        projection(parameters, "w1", shared * hidden, width),
                        projection(parameters, "w3", shared * hidden, width),
                        projection(parameters, "w2", width, shared * hidden),
                        limit);
    }

    private static Linear projection(ParameterMap parameters, String name, int outputs, int inputs) {
        Parameter weight = parameters.get("shared_experts." + name + ".weight");
        Check.shape("moe", "shared_experts." + name, weight.value(), outputs, inputs);
        return new Linear(weight);
    }
}
