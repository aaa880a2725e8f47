package org.filigree.attention;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import org.filigree.core.tensor.Tensor;

/**
 * Sparse attention that computes the logits of all keys and adds the logarithm of how often each was chosen, some queries after the
 * other: it takes the time of dense attention, but holds no logits beyond those of one tile.
 */
record MaskedAttention() implements SparseAttention {
    @Override
    public Attended attend(AttentionInput input) {
        Tensor keys = insertAxis(input.keyValues(), 2);
        Tensor values = slice(keys, -1, 0, input.valueWidth());
        KeySpan all = KeySpan.all(keys.dim(1));
        return ScaledDotProductAttention.attend(
                new DenseAttentionInput(input.queries(), keys, values, all, input.scale(), input.sinks()),
                input.indices());
    }

    /** [batch, tokens, heads, keys] of all keys at once, for a {@link ScoreListener}. */
    static Tensor logits(Tensor queries, Tensor keyValues, double scale) {
        int batch = queries.dim(0);
        int rows = queries.dim(1) * queries.dim(2);
        Tensor products = matmulTransposed(reshape(queries, batch, rows, queries.dim(3)), keyValues);
        return scale(reshape(products, queries.shape().withDim(-1, keyValues.dim(1))), scale);
    }
}
