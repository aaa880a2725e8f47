package org.filigree.attention.compressed;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.split;

import java.util.List;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Rotary embedding of the last channels in interleaved pairs; the others stay. */
final class PartialRotation {
    private PartialRotation() {}

    /** Rotates the last channels of x, [batch, tokens, head] or [batch, tokens, heads, head]. */
    static Tensor rotate(Tensor x, int rotary, Rotary.Table angles) {
        Shape shape = x.shape();
        if (shape.size() == 0) {
            return x;
        }
        Tensor heads = shape.rank() == 4 ? x : reshape(x, shape.dim(0), shape.dim(1), 1, shape.dim(2));
        int kept = shape.dim(-1) - rotary;
        if (kept == 0) {
            return reshape(angles.rotate(Pairing.INTERLEAVED, heads), shape);
        }
        List<Tensor> parts = split(heads, -1, kept, rotary);
        return reshape(concat(-1, parts.get(0), angles.rotate(Pairing.INTERLEAVED, parts.get(1))), shape);
    }
}
