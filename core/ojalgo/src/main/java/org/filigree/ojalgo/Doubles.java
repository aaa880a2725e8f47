package org.filigree.ojalgo;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendStorage;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Real numbers in a Java array. */
final class Doubles implements BackendStorage {
    private final Backend backend;
    private final double[] array;

    private Doubles(Backend backend, double[] array) {
        this.backend = backend;
        this.array = array;
    }

    /** The elements of a tensor themselves, not a copy. */
    static double[] of(Tensor tensor) {
        if (tensor.storage() instanceof Doubles doubles) {
            return doubles.array;
        }
        throw new ShapeException(
                "ojalgo: " + tensor.dtype() + tensor.shape() + " is no FLOAT32 tensor of this backend");
    }

    /** A tensor around an array, which is handed over. */
    static Tensor tensor(Backend backend, Shape shape, double[] array) {
        return Tensor.of(shape, DType.FLOAT32, new Doubles(backend, array));
    }

    /** Zeros for the elements of a shape. */
    static double[] allocate(Shape shape) {
        return new double[Math.toIntExact(shape.size())];
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
            out[i] = (float) array[i];
        }
        return out;
    }

    @Override
    public double[] toDoubles() {
        return array.clone();
    }

    @Override
    public int[] toInts() {
        int[] out = new int[array.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (int) array[i];
        }
        return out;
    }
}
