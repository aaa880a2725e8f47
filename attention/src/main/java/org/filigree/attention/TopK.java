package org.filigree.attention;

import static org.filigree.core.op.Arithmetic.greater;
import static org.filigree.core.op.Arithmetic.multiply;

import java.util.Arrays;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Select;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Chooses the k visible keys of largest score, ties to the lower index, a NaN score below all others. A query that sees fewer keys
 * gets −1 for the rest.
 *
 * @param k how many keys
 */
public record TopK(int k) implements Selector {
    /** Checks the number. */
    public TopK {
        Check.positive("top-k: k", k);
    }

    /**
     * The k best keys.
     *
     * @param k how many keys
     * @return the selector
     */
    public static TopK of(int k) {
        return new TopK(k);
    }

    @Override
    public Tensor select(Tensor scores, Visibility visibility) {
        int tokens = scores.dim(1);
        int keys = scores.dim(2);
        int chosen = Math.min(k, keys);
        Backend backend = Backend.of(scores);
        Tensor indices = Autograd.withoutGradients(() -> {
            Tensor lowest = backend.tensors().full(Shape.of(), Double.NEGATIVE_INFINITY);
            // Invisible keys and NaN scores rank alike; since visible keys have the lower indices, no invisible one
            // gets ahead of them.
            Tensor candidate = multiply(greater(scores, lowest), LogitBias.visible(backend, visibility, tokens, keys));
            return org.filigree.core.op.TopK.topK(Select.select(candidate, scores, lowest), chosen)
                    .indices();
        });
        return withoutInvisible(indices, visibility);
    }

    /** Only queries near the start see fewer than k keys, so decoding steps never take the way through host memory. */
    private static Tensor withoutInvisible(Tensor indices, Visibility visibility) {
        int tokens = indices.dim(1);
        int chosen = indices.dim(2);
        boolean complete = true;
        for (int t = 0; t < tokens; t++) {
            complete &= visibility.keys(t) >= chosen;
        }
        if (complete) {
            return indices;
        }
        int[] values = indices.toInts();
        for (int row = 0; row < indices.dim(0) * tokens; row++) {
            int visible = Math.min(chosen, visibility.keys(row % tokens));
            Arrays.fill(values, row * chosen + visible, (row + 1) * chosen, -1);
        }
        return Backend.of(indices).tensors().ints(indices.shape(), values);
    }
}
