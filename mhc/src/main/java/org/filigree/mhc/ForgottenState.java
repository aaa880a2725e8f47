package org.filigree.mhc;

import org.filigree.core.tensor.Storage;
import org.filigree.core.tensor.Tensor;

/**
 * Holds the place of a state in the graph without its elements: it has a shape, and lineage can be put on it, but nothing can be
 * computed from it.
 *
 * @param size as many elements as it stands for
 */
record ForgottenState(long size) implements Storage {
    static Tensor of(Tensor state) {
        return Tensor.of(
                state.shape(), state.dtype(), new ForgottenState(state.shape().size()));
    }

    @Override
    public float[] toFloats() {
        throw forgotten();
    }

    @Override
    public double[] toDoubles() {
        throw forgotten();
    }

    @Override
    public int[] toInts() {
        throw forgotten();
    }

    private static IllegalStateException forgotten() {
        return new IllegalStateException(
                "recomputation: a state inside a block was let go and has no elements to read");
    }
}
