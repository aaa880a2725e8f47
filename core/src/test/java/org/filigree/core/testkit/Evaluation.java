package org.filigree.core.testkit;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Tensor;

/**
 * What a function gives on one backend: its results, and the gradients of its variables under random upstream gradients that are the
 * same for every backend.
 *
 * @param outputs results in order
 * @param gradients by name of the variable; zeros for a variable that no differentiable result depends on
 */
public record Evaluation(List<Tensor> outputs, Map<String, Tensor> gradients) {
    /**
     * Evaluates a function and differentiates it.
     *
     * @param backend where
     * @param inputs operands
     * @param function of the operands
     * @return results and gradients
     */
    public static Evaluation of(Backend backend, List<Sample> inputs, TensorFunction function) {
        List<Tensor> leaves = inputs.stream()
                .map(sample -> sample.variable() ? Autograd.leaf(sample.on(backend)) : sample.on(backend))
                .toList();
        List<Tensor> outputs = function.apply(leaves);
        var gradients = new LinkedHashMap<String, Tensor>();
        for (Sample sample : inputs) {
            if (sample.variable()) {
                gradients.put(sample.name(), backend.tensors().zeros(sample.shape()));
            }
        }
        Gradients total = null;
        for (int i = 0; i < outputs.size(); i++) {
            Tensor output = outputs.get(i);
            if (Autograd.differentiable(output)) {
                Gradients own = Autograd.backward(output, upstream(i, output).on(backend));
                total = total == null ? own : total.plus(own);
            }
        }
        for (int i = 0; i < inputs.size() && total != null; i++) {
            if (inputs.get(i).variable()) {
                String name = inputs.get(i).name();
                total.find(leaves.get(i)).ifPresent(gradient -> gradients.put(name, gradient));
            }
        }
        return new Evaluation(outputs.stream().map(Autograd::detach).toList(), gradients);
    }

    /**
     * The only result.
     *
     * @return the first of the outputs
     */
    public Tensor output() {
        return outputs.getFirst();
    }

    /**
     * The gradient of a variable.
     *
     * @param name of the variable
     * @return its gradient
     * @throws AssertionError if the function has no such variable
     */
    public Tensor gradient(String name) {
        Tensor gradient = gradients.get(name);
        if (gradient == null) {
            throw new AssertionError("there is no variable " + name + " among " + gradients.keySet());
        }
        return gradient;
    }

    /** The gradient that arrives at a result. */
    static Sample upstream(int output, Tensor result) {
        return Sample.gaussian(
                "upstream", Seed.of("upstream", output), result.shape().toArray());
    }
}
