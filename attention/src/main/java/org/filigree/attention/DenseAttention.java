package org.filigree.attention;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Permute.permute;
import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Attention with a key and a value for every head, all logits at once. */
final class DenseAttention {
    private DenseAttention() {}

    /**
     * Attends.
     *
     * @param q [batch, tokens, heads, width]
     * @param k [batch, keys, heads, width]
     * @param v [batch, keys, heads, value width]
     * @param bias what is added to logits, [tokens, keys] or [batch, tokens, keys]
     * @param scale factor between product and logit
     * @param sinks [heads], null for none
     * @return [batch, tokens, heads, value width]
     */
    static Tensor attend(Tensor q, Tensor k, Tensor v, Tensor bias, double scale, @Nullable Tensor sinks) {
        Tensor perHead = bias.shape().rank() == 2 ? bias : insertAxis(bias, 1);
        Tensor logits = add(scale(matmulTransposed(headsFirst(q), headsFirst(k)), scale), perHead);
        return headsFirst(matmul(SinkSoftmax.weightsByHead(logits, sinks), headsFirst(v)));
    }

    /** [batch, a, b, ·] to [batch, b, a, ·]. */
    private static Tensor headsFirst(Tensor x) {
        return permute(x, 0, 2, 1, 3);
    }
}
