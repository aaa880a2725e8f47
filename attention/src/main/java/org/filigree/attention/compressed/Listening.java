package org.filigree.attention.compressed;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.Optional;
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

    /**
     * A listener hears the scores of all queries at once, [batch, tokens, entries], and the logits of queries [batch, tokens, heads, head] and as
     * many entries, the first.
     *
     * @return the scores, cut off the graph; nothing where nobody listens
     */
    static Optional<Tensor> tell(
            Context context, Supplier<Tensor> scoring, Tensor queries, EntryKeys entries, Visibility visibility) {
        return context.find(ScoreListener.KEY).map(listener -> {
            Tensor scores = scoring.get();
            listener.heard(new ScoreListener.Heard(
                    scores, logits(queries, slice(entries.keys(), 1, 0, scores.dim(2))), visibility));
            return Autograd.detach(scores);
        });
    }

    private static Tensor logits(Tensor queries, Tensor keys) {
        return Autograd.withoutGradients(() -> {
            Tensor flat = reshape(queries, queries.dim(0), queries.dim(1) * queries.dim(2), queries.dim(3));
            Tensor products = scale(matmulTransposed(flat, keys), 1 / Math.sqrt(queries.dim(3)));
            return reshape(products, queries.shape().withDim(-1, keys.dim(1)));
        });
    }
}
