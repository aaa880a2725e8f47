package org.filigree.attention;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Slice.slice;

import java.util.List;
import org.filigree.core.op.LogSumExp;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What attention gives: enough to join it with attention over other keys.
 *
 * @param output [batch, tokens, heads, value width]; zeros for a query without keys
 * @param logSumExp log Σ exp(logit) over the chosen keys, [batch, tokens, heads], natural logarithm, without the sink; −∞ for a
 *     query without keys
 */
public record Attended(Tensor output, Tensor logSumExp) {
    /**
     * Attention over several sets of keys as if they had been one: part i weighs exp(lse_i)/(Σ exp(lse) + exp(sink)). A key in two
     * parts counts twice.
     *
     * @param parts of the same queries, each without a sink
     * @param sinks [heads], a logit for each head that takes weight and gives no value; null for none
     * @return one output and log-sum-exp, differentiable in all parts and in the sinks
     */
    public static Attended joined(List<Attended> parts, @Nullable Tensor sinks) {
        Check.positive("join attention: parts", parts.size());
        Tensor sums = concat(
                -1, parts.stream().map(part -> insertAxis(part.logSumExp, -1)).toList());
        Tensor weights = SinkSoftmax.weights(sums, sinks);
        Tensor output = multiply(parts.getFirst().output, slice(weights, -1, 0, 1));
        for (int i = 1; i < parts.size(); i++) {
            output = add(output, multiply(parts.get(i).output, slice(weights, -1, i, i + 1)));
        }
        return new Attended(output, LogSumExp.logSumExp(sums));
    }
}
