package org.filigree.attention;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.LogSumExp.logSumExp;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.log;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Sparse attention that gathers the chosen keys, one sequence after the other. */
record GatheredAttention() implements SparseAttention {
    @Override
    public Attended attend(AttentionInput input) {
        Tensor q = input.queries();
        if (q.shape().size() == 0) {
            return new MaskedAttention().attend(input);
        }
        return Backend.of(q)
                .kernel(SparseAttentionKernel.class)
                .map(kernel -> fused(kernel, input))
                .orElseGet(() -> composed(input));
    }

    private static Attended fused(SparseAttentionKernel kernel, AttentionInput input) {
        Tensor sinks = input.sinks();
        Attended result = kernel.forward(input);
        List<Tensor> outputs = Autograd.record(
                "sparse attention",
                sinks == null
                        ? List.of(input.queries(), input.keyValues())
                        : List.of(input.queries(), input.keyValues(), sinks),
                List.of(result.output(), result.logSumExp()),
                upstream -> {
                    Tensor dOutput = upstream.get(0);
                    SparseAttentionKernel.Gradients gradients = kernel.gradients(
                            input,
                            result,
                            dOutput == null
                                    ? Backend.of(result.output())
                                            .tensors()
                                            .zeros(result.output().shape())
                                    : dOutput,
                            upstream.get(1));
                    return sinks == null
                            ? List.of(gradients.queries(), gradients.keyValues())
                            : Arrays.asList(gradients.queries(), gradients.keyValues(), gradients.sinks());
                });
        return new Attended(outputs.get(0), outputs.get(1));
    }

    static Attended composed(AttentionInput input) {
        List<Tensor> outputs = new ArrayList<>();
        List<Tensor> sums = new ArrayList<>();
        Tensor q = input.queries();
        for (int b = 0; b < q.dim(0); b++) {
            Tensor indices = atLeastOne(row(input.indices(), b));
            Tensor keyValues = row(input.keyValues(), b);
            Tensor chosen = gather(keyValues, indices);
            Tensor exists = gather(Backend.of(q).tensors().full(Shape.of(keyValues.dim(0)), 1), indices);
            Tensor logits = add(scale(matmulTransposed(row(q, b), chosen), input.scale()), insertAxis(log(exists), 1));
            outputs.add(matmul(SinkSoftmax.weights(logits, input.sinks()), slice(chosen, -1, 0, input.valueWidth())));
            sums.add(logSumExp(logits));
        }
        Shape shape = q.shape();
        return new Attended(
                reshape(concat(0, outputs), shape.withDim(-1, input.valueWidth())),
                reshape(concat(0, sums), shape.leading(-1)));
    }

    private static Tensor row(Tensor x, int b) {
        Tensor part = slice(x, 0, b, b + 1);
        return reshape(part, part.shape().without(0));
    }

    /** A softmax needs a column to be zero in. */
    private static Tensor atLeastOne(Tensor indices) {
        if (indices.dim(1) > 0) {
            return indices;
        }
        int[] none = new int[indices.dim(0)];
        Arrays.fill(none, -1);
        return Backend.of(indices).tensors().ints(Shape.of(indices.dim(0), 1), none);
    }
}
