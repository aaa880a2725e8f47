package org.filigree.attention;

import java.util.BitSet;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Concat;
import org.filigree.core.tensor.Tensor;

/**
 * Chooses what either of two selectors chooses, each key once: a sliding window and the best of the rest, say.
 *
 * @param first chooses
 * @param second chooses too; what the first has already is dropped, its place −1
 */
public record Union(Selector first, Selector second) implements Selector {
    /**
     * Both choices.
     *
     * @param first chooses
     * @param second chooses too
     * @return the selector
     */
    public static Union of(Selector first, Selector second) {
        return new Union(first, second);
    }

    @Override
    public Tensor select(Tensor scores, Visibility visibility) {
        Tensor both = Concat.concat(-1, first.select(scores, visibility), second.select(scores, visibility));
        int chosen = both.dim(2);
        int[] indices = both.toInts();
        var seen = new BitSet(scores.dim(2));
        for (int i = 0; i < indices.length; i++) {
            if (i % chosen == 0) {
                seen.clear();
            }
            if (indices[i] < 0 || seen.get(indices[i])) {
                indices[i] = -1;
            } else {
                seen.set(indices[i]);
            }
        }
        return Backend.of(scores).tensors().ints(both.shape(), indices);
    }

    @Override
    public int reach() {
        return Math.max(first.reach(), second.reach());
    }

    @Override
    public boolean scored() {
        return first.scored() || second.scored();
    }
}
