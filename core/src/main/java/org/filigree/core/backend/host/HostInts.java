package org.filigree.core.backend.host;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendStorage;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Integers in a Java array: those of every host backend, and of others that keep their indices in the JVM.
 *
 * @param backend whose tensor it is
 * @param array the elements themselves, not a copy
 */
@SuppressWarnings("ArrayRecordComponent")
public record HostInts(Backend backend, int[] array) implements BackendStorage {
    /**
     * The array of such a tensor.
     *
     * @param tensor an INT32 tensor in host memory
     * @return its elements, not a copy
     * @throws ShapeException if it is no such tensor
     */
    public static int[] of(Tensor tensor) {
        if (tensor.storage() instanceof HostInts ints) {
            return ints.array;
        }
        throw new ShapeException("host kernel: " + tensor.dtype() + tensor.shape()
                + " is not an INT32 tensor in host memory but "
                + tensor.storage().getClass().getSimpleName() + "; make indices with backend.tensors().ints(…)");
    }

    /**
     * A tensor around an array.
     *
     * @param backend whose tensor it is
     * @param shape extents
     * @param array elements, handed over
     * @return the tensor
     */
    public static Tensor tensor(Backend backend, Shape shape, int[] array) {
        return Tensor.of(shape, DType.INT32, new HostInts(backend, array));
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

    @Override
    public boolean equals(Object other) {
        return other instanceof HostInts ints && Arrays.equals(array, ints.array);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(array);
    }

    @Override
    public String toString() {
        return "HostInts[" + array.length + "]";
    }
}
