package org.filigree.attention;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Attention of every head over runs of keys (Vaswani et al., 2017), in tiles (Dao et al., 2022): output = Σ_j p_j·value_j with
 * p = softmax of scale·query·key over the keys in sight, a sink taking part in the softmax without a value. Memory is linear in the
 * numbers of queries and keys: the backward pass computes the logits again from the log-sum-exp.
 */
public final class ScaledDotProductAttention {
    private ScaledDotProductAttention() {}

    /**
     * Attends.
     *
     * @param input queries, keys, values and spans
     * @return output [batch, tokens, heads, value width] and log-sum-exp [batch, tokens, heads], both differentiable in queries, keys
     *     and values, the output in the sinks too
     */
    public static Attended attend(DenseAttentionInput input) {
        return attend(
                input,
                Backend.of(input.queries())
                        .kernel(ScaledDotProductKernel.class)
                        .orElseGet(() -> new ComposedDotProduct(null)));
    }

    /** Attends to those of the keys in sight that indices [batch, tokens, chosen] name, −1 for none; linear in memory too. */
    static Attended attend(DenseAttentionInput input, Tensor chosen) {
        return attend(input, new ComposedDotProduct(chosen));
    }

    private static Attended attend(DenseAttentionInput input, ScaledDotProductKernel kernel) {
        Tensor sinks = input.sinks();
        Backend backend = Backend.common("scaled dot-product attention", input.queries(), operands(input));
        if (input.queries().shape().size() == 0 || input.keys().shape().size() == 0) {
            return nothing(backend, input);
        }
        Attended result = Autograd.withoutGradients(() -> kernel.forward(input));
        var inputs = new ArrayList<>(List.of(input.queries()));
        inputs.addAll(Arrays.asList(operands(input)));
        List<Tensor> outputs = Autograd.record(
                "scaled dot-product attention", inputs, List.of(result.output(), result.logSumExp()), upstream -> {
                    Tensor dOutput = upstream.get(0);
                    ScaledDotProductKernel.Gradients gradients = kernel.gradients(
                            input,
                            result,
                            dOutput == null
                                    ? backend.tensors().zeros(result.output().shape())
                                    : dOutput,
                            upstream.get(1));
                    var all = new ArrayList<@Nullable Tensor>(
                            List.of(gradients.queries(), gradients.keys(), gradients.values()));
                    if (sinks != null) {
                        all.add(gradients.sinks());
                    }
                    return all;
                });
        return new Attended(outputs.get(0), outputs.get(1));
    }

    private static Tensor[] operands(DenseAttentionInput input) {
        Tensor sinks = input.sinks();
        return sinks == null
                ? new Tensor[] {input.keys(), input.values()}
                : new Tensor[] {input.keys(), input.values(), sinks};
    }

    private static Attended nothing(Backend backend, DenseAttentionInput input) {
        var shape = input.queries().shape();
        return new Attended(
                backend.tensors().zeros(shape.withDim(-1, input.values().dim(3))),
                backend.tensors().full(shape.leading(-1), Double.NEGATIVE_INFINITY));
    }
}
