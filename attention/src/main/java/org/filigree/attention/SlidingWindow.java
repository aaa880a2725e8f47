package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Chooses the last visible keys, in their order; a query that sees fewer gets −1 for the rest.
 *
 * @param width how many keys
 */
public record SlidingWindow(int width) implements Selector {
    /** Checks the number. */
    public SlidingWindow {
        Check.positive("sliding window: width", width);
    }

    /**
     * The last keys.
     *
     * @param width how many
     * @return the selector
     */
    public static SlidingWindow of(int width) {
        return new SlidingWindow(width);
    }

    @Override
    public Tensor select(Tensor scores, Visibility visibility) {
        int tokens = scores.dim(1);
        int chosen = Math.min(width, scores.dim(2));
        int[] indices = new int[Math.multiplyExact(scores.dim(0) * tokens, chosen)];
        for (int row = 0; row < scores.dim(0) * tokens; row++) {
            int visible = visibility.keys(row % tokens);
            int first = Math.max(0, visible - chosen);
            for (int i = 0; i < chosen; i++) {
                indices[row * chosen + i] = first + i < visible ? first + i : -1;
            }
        }
        return Backend.of(scores).tensors().ints(Shape.of(scores.dim(0), tokens, chosen), indices);
    }

    @Override
    public int reach() {
        return width;
    }

    @Override
    public boolean scored() {
        return false;
    }
}
