package org.filigree.core.optim;

import java.util.Map;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Binary;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.Unary;
import org.filigree.core.backend.kernel.AdamWKernel;
import org.filigree.core.backend.kernel.AdamWKernel.Step;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019): m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²,
 * w ← w(1 − ηλ) − η·(m/(1−β₁ᵗ))/(√(v/(1−β₂ᵗ)) + ε).
 */
public final class AdamW implements Optimizer {
    private static final String STEPS = "steps";

    private final AdamWConfig config;
    private final ParameterMap parameters;
    private final OptimizerState state;

    AdamW(AdamWConfig config, ParameterMap parameters) {
        this.config = config;
        this.parameters = parameters;
        this.state = OptimizerState.zeros(parameters, "first", "second");
        parameters.forEach((path, parameter) -> state.with(
                STEPS + "." + path, Backend.of(parameter.value()).tensors().ints(Shape.of(), new int[] {0})));
    }

    @Override
    public void step(Gradients gradients, double rate) {
        parameters.forEach((path, parameter) -> gradients
                .find(parameter.value())
                .ifPresent(gradient -> update(path, Autograd.detach(parameter.value()), gradient, rate)));
    }

    private void update(String path, Tensor weight, Tensor gradient, double rate) {
        Backend backend = Backend.of(weight);
        Tensor count = state.get(STEPS, path);
        int t = count.toInts()[0] + 1;
        backend.tensors().assign(count, backend.tensors().ints(Shape.of(), new int[] {t}));
        var step = new Step(
                rate * config.rateFactor(),
                config.beta1(),
                config.beta2(),
                config.epsilon(),
                config.decay(),
                1 - Math.pow(config.beta1(), t),
                1 - Math.pow(config.beta2(), t));
        backend.kernel(AdamWKernel.class)
                .orElseGet(() -> new Composed(backend))
                .update(step, weight, gradient, state.get("first", path), state.get("second", path));
    }

    @Override
    public Map<String, Tensor> state() {
        return state.asMap();
    }

    @Override
    public void restore(Map<String, Tensor> stored) {
        state.restore(stored);
    }

    /** The formula in the order of the paper. */
    private record Composed(Backend backend) implements AdamWKernel {
        @Override
        public void update(Step step, Tensor weight, Tensor gradient, Tensor first, Tensor second) {
            Elementwise e = backend.elementwise();
            Tensor m = e.binary(Binary.ADD, e.affine(first, step.beta1(), 0), e.affine(gradient, 1 - step.beta1(), 0));
            Tensor v = e.binary(
                    Binary.ADD,
                    e.affine(second, step.beta2(), 0),
                    e.affine(e.unary(Unary.SQUARE, gradient), 1 - step.beta2(), 0));
            Tensor root = e.affine(e.unary(Unary.SQRT, e.affine(v, 1 / step.correction2(), 0)), 1, step.epsilon());
            Tensor direction = e.binary(Binary.DIVIDE, e.affine(m, step.rate() / step.correction1(), 0), root);
            Tensor w = e.binary(Binary.SUBTRACT, e.affine(weight, 1 - step.rate() * step.decay(), 0), direction);
            backend.tensors().assign(first, m);
            backend.tensors().assign(second, v);
            backend.tensors().assign(weight, w);
        }
    }
}
