package org.filigree.core.backend;

import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Makes tensors on a backend, and overwrites the few that may change. */
public interface TensorFactory {
    /**
     * Copies real numbers in.
     *
     * @param shape extents
     * @param values row-major, as many as the shape has
     * @return a FLOAT32 tensor
     */
    Tensor floats(Shape shape, float[] values);

    /**
     * Copies real numbers in, in the backend's widest precision.
     *
     * @param shape extents
     * @param values row-major, as many as the shape has
     * @return a FLOAT32 tensor
     */
    Tensor doubles(Shape shape, double[] values);

    /**
     * Copies integers in.
     *
     * @param shape extents
     * @param values row-major, as many as the shape has
     * @return an INT32 tensor
     */
    Tensor ints(Shape shape, int[] values);

    /**
     * A constant tensor.
     *
     * @param shape extents
     * @param value every element
     * @return a FLOAT32 tensor
     */
    Tensor full(Shape shape, double value);

    /**
     * Overwrites a tensor's elements with another's: how optimisers change parameters and their own state. Nothing else in the
     * library writes into an existing tensor.
     *
     * @param target tensor whose storage is overwritten
     * @param source tensor of the same shape and type on the same backend
     */
    void assign(Tensor target, Tensor source);

    /**
     * A tensor of zeros.
     *
     * @param shape extents
     * @return a FLOAT32 tensor
     */
    default Tensor zeros(Shape shape) {
        return full(shape, 0);
    }
}
