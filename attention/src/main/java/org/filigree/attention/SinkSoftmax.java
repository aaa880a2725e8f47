package org.filigree.attention;

import static org.filigree.core.op.Broadcasting.broadcastTo;
import static org.filigree.core.op.Clamp.clamp;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.op.Softmax.softmax;

import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Softmax over keys in which each head's sink takes part; the sink's own weight is dropped. */
final class SinkSoftmax {
    /** A sink of +∞ is lowered to this, which leaves every finite logit a weight of 0 and keeps ∞ − ∞ away. */
    private static final double HIGHEST = 1e30;

    private SinkSoftmax() {}

    /** Weights [.., heads, keys] of logits of that shape; zeros where all logits are −∞. */
    static Tensor weights(Tensor logits, @Nullable Tensor sinks) {
        if (sinks == null) {
            return softmax(logits);
        }
        Tensor lowered = reshape(clamp(sinks, Double.NEGATIVE_INFINITY, HIGHEST), sinks.dim(0), 1);
        Tensor sink = broadcastTo(lowered, logits.shape().withDim(-1, 1));
        return slice(softmax(concat(-1, logits, sink)), -1, 0, logits.dim(-1));
    }
}
