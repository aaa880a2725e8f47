package org.filigree.attention;

import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.relu;
import static org.filigree.core.op.Reshape.reshape;

import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/** The score that all indexers share: score(p, j) = Σ_h w(p, h)·max(0, q(p, h)·k(j)), cut off at zero inside the sum over heads. */
public final class IndexScores {
    private IndexScores() {}

    /**
     * Scores of all keys.
     *
     * @param queries [batch, tokens, heads, dim]
     * @param weights of heads, [batch, tokens, heads]
     * @param keys [batch, keys, dim], shared by all heads
     * @return [batch, tokens, keys]
     */
    public static Tensor of(Tensor queries, Tensor weights, Tensor keys) {
        Check.rank("index scores", "queries", queries, 4);
        int batch = queries.dim(0);
        int tokens = queries.dim(1);
        int heads = queries.dim(2);
        Check.shape("index scores", "weights", weights, batch, tokens, heads);
        Check.rank("index scores", "keys", keys, 3);
        Check.shape("index scores", "keys", keys, batch, keys.dim(1), queries.dim(3));
        int count = keys.dim(1);
        Tensor products = relu(matmulTransposed(reshape(queries, batch, tokens * heads, queries.dim(3)), keys));
        Tensor sums = matmul(reshape(weights, batch, tokens, 1, heads), reshape(products, batch, tokens, heads, count));
        return reshape(sums, batch, tokens, count);
    }
}
