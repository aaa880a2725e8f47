package org.filigree.nd4j;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendStorage;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Integers, kept in a Java array: they are indices, which ND4J mostly takes from Java arrays. */
final class Ints implements BackendStorage {
    private final Backend backend;
    private final int[] array;

    private Ints(Backend backend, int[] array) {
        this.backend = backend;
        this.array = array;
    }

    /** The elements of a tensor themselves, not a copy. */
    static int[] of(Tensor tensor) {
        if (tensor.storage() instanceof Ints ints) {
            return ints.array;
        }
        throw new ShapeException("nd4j: " + tensor.dtype() + tensor.shape() + " is no INT32 tensor of this backend");
    }

    /** A tensor around an array, which is handed over. */
    static Tensor tensor(Backend backend, Shape shape, int[] array) {
        return Tensor.of(shape, DType.INT32, new Ints(backend, array));
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public long size() {
        return array.length;
    }

    @Override
    public float[] toFloats() {
        float[] out = new float[array.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = array[i];
        }
        return out;
    }

    @Override
    public double[] toDoubles() {
        double[] out = new double[array.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = array[i];
        }
        return out;
    }

    @Override
    public int[] toInts() {
        return array.clone();
    }
}
