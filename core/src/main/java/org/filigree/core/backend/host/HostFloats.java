package org.filigree.core.backend.host;

import java.util.Arrays;
import org.filigree.core.backend.BackendStorage;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Real numbers in a Java array.
 *
 * @param backend whose tensor it is
 * @param array the elements themselves, not a copy; kernels read them and write only arrays that they made
 */
@SuppressWarnings("ArrayRecordComponent")
public record HostFloats(HostBackend backend, float[] array) implements BackendStorage {
    /**
     * The array of a host tensor.
     *
     * @param tensor a FLOAT32 tensor of a host backend
     * @return its elements, not a copy
     * @throws ShapeException if it is no such tensor
     */
    public static float[] of(Tensor tensor) {
        if (tensor.storage() instanceof HostFloats floats) {
            return floats.array;
        }
        throw new ShapeException(
                "host kernel: " + tensor.dtype() + tensor.shape() + " is not a FLOAT32 tensor in host memory but "
                        + tensor.storage().getClass().getSimpleName() + "; move it with Transfer.to(backend, tensor)");
    }

    /**
     * A tensor around an array.
     *
     * @param backend whose tensor it is
     * @param shape extents
     * @param array elements, handed over
     * @return the tensor
     */
    public static Tensor tensor(HostBackend backend, Shape shape, float[] array) {
        return Tensor.of(shape, DType.FLOAT32, new HostFloats(backend, array));
    }

    /**
     * A new array for the elements of a shape.
     *
     * @param shape extents
     * @return zeros
     * @throws ShapeException if the shape has more elements than a Java array
     */
    public static float[] allocate(Shape shape) {
        return new float[length(shape)];
    }

    static int length(Shape shape) {
        if (shape.size() > Integer.MAX_VALUE - 8) {
            throw new ShapeException("host tensor: " + shape + " has " + shape.size()
                    + " elements, more than a Java array; split it along its first axis");
        }
        return (int) shape.size();
    }

    @Override
    public long size() {
        return array.length;
    }

    @Override
    public float[] toFloats() {
        return array.clone();
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
        int[] out = new int[array.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (int) array[i];
        }
        return out;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof HostFloats floats && Arrays.equals(array, floats.array);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(array);
    }

    @Override
    public String toString() {
        return "HostFloats[" + array.length + "]";
    }
}
