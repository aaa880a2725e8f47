package org.filigree.attention.compressed;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.function.Supplier;
import org.filigree.attention.ScoreListener;
import org.filigree.attention.Visibility;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Tensor;

/** How a layer treats a {@link ScoreListener} in its context. */
final class Listening {
    private Listening() {}

    /** A step of the scorer, recorded only where somebody listens: nobody else could train it. */
    static Tensor scoring(Context context, Supplier<Tensor> step) {
        return context.find(ScoreListener.KEY).isPresent() ? step.get() : Autograd.withoutGradients(step);
    }

    /** Scores [batch, tokens, entries], and the logits of queries [batch, tokens, heads, head] and as many entries, the first. */
    static void tell(Context context, Tensor scores, Tensor queries, EntryKeys entries, Visibility visibility) {
        context.find(ScoreListener.KEY)
                .ifPresent(listener -> listener.heard(new ScoreListener.Heard(
                        scores, logits(queries, slice(entries.keys(), 1, 0, scores.dim(2))), visibility)));
    }

    private static Tensor logits(Tensor queries, Tensor keys) {
        return Autograd.withoutGradients(() -> {
            Tensor flat = reshape(queries, queries.dim(0), queries.dim(1) * queries.dim(2), queries.dim(3));
            Tensor products = scale(matmulTransposed(flat, keys), 1 / Math.sqrt(queries.dim(3)));
            return reshape(products, queries.shape().withDim(-1, keys.dim(1)));
        });
    }
}
