package org.filigree.attention;

import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.relu;
import static org.filigree.core.op.Reshape.reshape;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
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
        Check.shape("index scores", "weights", weights, queries.dim(0), queries.dim(1), queries.dim(2));
        Check.rank("index scores", "keys", keys, 3);
        Check.shape("index scores", "keys", keys, queries.dim(0), keys.dim(1), queries.dim(3));
        Backend backend = Backend.common("index scores", queries, weights, keys);
        if (queries.shape().size() == 0 || keys.shape().size() == 0) {
            return backend.tensors().zeros(queries.shape().leading(2, keys.dim(1)));
        }
        return backend.kernel(IndexScoresKernel.class)
                .map(kernel -> fused(kernel, queries, weights, keys))
                .orElseGet(() -> composed(queries, weights, keys));
    }

    private static Tensor fused(IndexScoresKernel kernel, Tensor queries, Tensor weights, Tensor keys) {
        return Autograd.record(
                "index scores", List.of(queries, weights, keys), kernel.forward(queries, weights, keys), dy -> {
                    IndexScoresKernel.Gradients gradients = kernel.gradients(queries, weights, keys, dy);
                    return List.of(gradients.queries(), gradients.weights(), gradients.keys());
                });
    }

    static Tensor composed(Tensor queries, Tensor weights, Tensor keys) {
        int batch = queries.dim(0);
        int tokens = queries.dim(1);
        int heads = queries.dim(2);
        int count = keys.dim(1);
        Tensor products = relu(matmulTransposed(reshape(queries, batch, tokens * heads, queries.dim(3)), keys));
        Tensor sums = matmul(reshape(weights, batch, tokens, 1, heads), reshape(products, batch, tokens, heads, count));
        return reshape(sums, batch, tokens, count);
    }
}
