package org.filigree.attention;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.LogSumExp.logSumExp;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Sparse attention that computes the logits of all keys and adds the logarithm of how often each was chosen. */
record MaskedAttention() implements SparseAttention {
    @Override
    public Attended attend(AttentionInput input) {
        Tensor kv = input.keyValues();
        if (kv.dim(1) == 0 || input.queries().shape().size() == 0) {
            return nothing(input);
        }
        Tensor logits = logits(input.queries(), kv, input.scale());
        Tensor biased = add(logits, insertAxis(LogitBias.of(input.indices(), kv.dim(1)), 2));
        return new Attended(output(biased, kv, input.valueWidth(), input.sinks()), logSumExp(biased));
    }

    /** [batch, tokens, heads, keys], before any mask. */
    static Tensor logits(Tensor queries, Tensor keyValues, double scale) {
        int batch = queries.dim(0);
        int rows = queries.dim(1) * queries.dim(2);
        Tensor products = matmulTransposed(reshape(queries, batch, rows, queries.dim(3)), keyValues);
        return scale(reshape(products, queries.shape().withDim(-1, keyValues.dim(1))), scale);
    }

    /** [batch, tokens, heads, value width] from masked logits. */
    static Tensor output(Tensor logits, Tensor keyValues, int valueWidth, @Nullable Tensor sinks) {
        int batch = logits.dim(0);
        int rows = logits.dim(1) * logits.dim(2);
        Tensor weights = reshape(SinkSoftmax.weights(logits, sinks), batch, rows, logits.dim(3));
        return reshape(
                matmul(weights, slice(keyValues, -1, 0, valueWidth)),
                logits.shape().withDim(-1, valueWidth));
    }

    private static Attended nothing(AttentionInput input) {
        Backend backend = Backend.of(input.queries());
        Shape shape = input.queries().shape();
        return new Attended(
                backend.tensors().zeros(shape.withDim(-1, input.valueWidth())),
                backend.tensors().full(shape.leading(-1), Double.NEGATIVE_INFINITY));
    }
}
