package org.filigree.attention;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * {@link SparseAttention} over rows where a cache keeps them, paged and quantised as they may be: the decode step of DSA. Not
 * differentiable, since gradients do not pass through a cache.
 */
public final class CachedAttention {
    private CachedAttention() {}

    /**
     * Attends to chosen rows of a cache.
     *
     * @param input queries, rows and the choice
     * @return output [tokens, heads, value width] and log-sum-exp [tokens, heads]; {@link Attended} says what they are
     * @throws IndexOutOfBoundsException if an index is neither −1 nor a row
     * @throws ShapeException if the queries or the sinks want a gradient
     */
    public static Attended attend(CachedAttentionInput input) {
        requireConstant("attend", "queries", input.queries());
        if (input.sinks() != null) {
            requireConstant("attend", "sinks", input.sinks());
        }
        Backend backend = Backend.of(input.queries());
        return backend.kernel(CachedAttentionKernel.class)
                .filter(kernel -> kernel.supports(input.keyValues().width(), input.valueWidth()))
                .map(kernel -> kernel.attend(input))
                .orElseGet(() -> composed(input, backend));
    }

    static void requireConstant(String operation, String name, Tensor operand) {
        if (Autograd.recording(List.of(operand))) {
            throw new ShapeException(operation + ": " + name + " " + operand.shape()
                    + " want a gradient, which does not pass through a cache; run inside Autograd.withoutGradients");
        }
    }

    /** Token by token, so that as many rows are widened at a time as one token has chosen. */
    static Attended composed(CachedAttentionInput input, Backend backend) {
        Shape shape = input.queries().shape();
        int tokens = shape.dim(0);
        int heads = shape.dim(1);
        int width = shape.dim(2);
        int chosen = input.indices().dim(1);
        int[] indices = input.indices().toInts();
        var outputs = new ArrayList<Tensor>();
        var sums = new ArrayList<Tensor>();
        for (int t = 0; t < tokens; t++) {
            float[] keys = new float[Math.max(1, chosen) * width];
            input.keyValues().gather(indices, t * chosen, chosen, keys, 0);
            int[] places = new int[chosen];
            Arrays.setAll(places, i -> i);
            for (int i = 0; i < chosen; i++) {
                places[i] = indices[t * chosen + i] < 0 ? -1 : i;
            }
            Tensor query = slice(input.queries(), 0, t, t + 1);
            Attended attended = SparseAttention.masked()
                    .attend(new AttentionInput(
                            reshape(query, 1, 1, heads, width),
                            backend.tensors().floats(Shape.of(1, Math.max(1, chosen), width), keys),
                            input.valueWidth(),
                            backend.tensors().ints(Shape.of(1, 1, chosen), places),
                            input.scale(),
                            input.sinks()));
            outputs.add(reshape(attended.output(), 1, heads, input.valueWidth()));
            sums.add(reshape(attended.logSumExp(), 1, heads));
        }
        return tokens == 0
                ? new Attended(
                        backend.tensors().full(Shape.of(0, heads, input.valueWidth()), 0),
                        backend.tensors().full(Shape.of(0, heads), 0))
                : new Attended(concat(0, outputs), concat(0, sums));
    }
}
