package org.filigree.attention;

import static org.filigree.core.op.Pointwise.log;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.ScatterAdd;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** What is added to the logit of a query and a key: the logarithm of how often the query sees the key, −∞ if never. No gradient. */
final class LogitBias {
    private LogitBias() {}

    /** 1 for a visible key, 0 for another: [tokens, keys]. */
    static Tensor visible(Backend backend, Visibility visibility, int tokens, int keys) {
        float[] values = new float[Math.multiplyExact(tokens, keys)];
        for (int t = 0; t < tokens; t++) {
            Arrays.fill(values, t * keys, t * keys + visibility.keys(t), 1);
        }
        return backend.tensors().floats(Shape.of(tokens, keys), values);
    }

    /** log of the multiplicity of a key among the indices [batch, tokens, chosen]: [batch, tokens, keys]. */
    static Tensor of(Tensor indices, int keys) {
        Tensor ones = Backend.of(indices).tensors().full(indices.shape(), 1);
        return log(ScatterAdd.scatterAddLast(ones, indices, keys));
    }
}
