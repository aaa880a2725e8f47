package org.filigree.attention;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Chooses every visible key: dense attention. Layers recognise it and skip indices altogether. */
public record All() implements Selector {
    @Override
    public Tensor select(Tensor scores, Visibility visibility) {
        int tokens = scores.dim(1);
        int keys = scores.dim(2);
        int[] indices = new int[Math.toIntExact(scores.shape().size())];
        for (int row = 0; row < scores.dim(0) * tokens; row++) {
            int visible = visibility.keys(row % tokens);
            for (int j = 0; j < visible; j++) {
                indices[row * keys + j] = j;
            }
            Arrays.fill(indices, row * keys + visible, (row + 1) * keys, -1);
        }
        return Backend.of(scores).tensors().ints(Shape.of(scores.dim(0), tokens, keys), indices);
    }

    @Override
    public boolean scored() {
        return false;
    }
}
