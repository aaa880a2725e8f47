package org.filigree.attention;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.relu;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

/** The score that all indexers share: score(p, j) = Σ_h w(p, h)·max(0, q(p, h)·k(j)), cut off at zero inside the sum over heads. */
public final class IndexScores {
    /** Rows of a cache that are widened together where there is no kernel: 2 MiB of keys of width 128. */
    private static final int ROWS = 1 << 12;

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

    /**
     * Scores of all keys in a cache, a few of which are widened at a time. Not differentiable: no gradient flows back to what is given.
     *
     * @param queries [tokens, heads, dim]
     * @param weights of heads, [tokens, heads]
     * @param keys rows of width dim, shared by all heads
     * @return [tokens, rows]
     */
    public static Tensor of(Tensor queries, Tensor weights, CacheRows keys) {
        Check.rank("index scores", "queries", queries, 3);
        Check.shape("index scores", "weights", weights, queries.dim(0), queries.dim(1));
        if (queries.dim(2) != keys.width()) {
            throw new ShapeException(
                    "index scores: queries " + queries.shape() + " are " + queries.dim(2) + " wide, rows of the cache "
                            + keys.width() + "; ask the cache for the part that holds index keys");
        }
        Backend backend = Backend.common("index scores", queries, weights);
        if (queries.shape().size() == 0 || keys.count() == 0) {
            return backend.tensors().zeros(Shape.of(queries.dim(0), keys.count()));
        }
        Tensor q = Autograd.detach(queries);
        Tensor w = Autograd.detach(weights);
        return backend.kernel(IndexScoresKernel.class)
                .map(kernel -> kernel.forward(q, w, keys))
                .orElseGet(() -> composed(backend, q, w, keys));
    }

    private static Tensor composed(Backend backend, Tensor queries, Tensor weights, CacheRows keys) {
        Tensor q = insertAxis(queries, 0);
        Tensor w = insertAxis(weights, 0);
        var scores = new ArrayList<Tensor>();
        for (int first = 0; first < keys.count(); first += ROWS) {
            int count = Math.min(ROWS, keys.count() - first);
            float[] values = new float[count * keys.width()];
            keys.read(first, count, values, 0);
            scores.add(composed(q, w, backend.tensors().floats(Shape.of(1, count, keys.width()), values)));
        }
        return reshape(concat(-1, scores), queries.dim(0), keys.count());
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
