package org.filigree.attention;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Chooses every visible key: dense attention. Layers recognise it and skip indices altogether. */
public record All() implements Selector {
    @Override
    public Tensor select(Tensor scores, Visibility visibility) {
        return indices(Backend.of(scores), scores.dim(0), scores.dim(1), scores.dim(2), visibility);
    }

    /** Every visible key of every query, INT32 [batch, tokens, keys]. */
    static Tensor indices(Backend backend, int batch, int tokens, int keys, Visibility visibility) {
        int[] indices = new int[Math.toIntExact((long) batch * tokens * keys)];
        for (int row = 0; row < batch * tokens; row++) {
            int visible = visibility.keys(row % tokens);
            for (int j = 0; j < visible; j++) {
                indices[row * keys + j] = j;
            }
            Arrays.fill(indices, row * keys + visible, (row + 1) * keys, -1);
        }
        return backend.tensors().ints(Shape.of(batch, tokens, keys), indices);
    }

    @Override
    public boolean scored() {
        return false;
    }
}
