package org.filigree.core.backend.host;

import java.util.Arrays;
import org.filigree.core.backend.TensorFactory;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Makes tensors in Java arrays.
 *
 * @param backend whose tensors they are
 */
public record HostTensors(HostBackend backend) implements TensorFactory {
    @Override
    public Tensor floats(Shape shape, float[] values) {
        return HostFloats.tensor(backend, shape, values.clone());
    }

    @Override
    public Tensor doubles(Shape shape, double[] values) {
        float[] array = new float[values.length];
        for (int i = 0; i < array.length; i++) {
            array[i] = (float) values[i];
        }
        return HostFloats.tensor(backend, shape, array);
    }

    @Override
    public Tensor ints(Shape shape, int[] values) {
        return HostInts.tensor(backend, shape, values.clone());
    }

    @Override
    public Tensor full(Shape shape, double value) {
        float[] array = HostFloats.allocate(shape);
        if (value != 0) {
            Arrays.fill(array, (float) value);
        }
        return HostFloats.tensor(backend, shape, array);
    }

    @Override
    public void assign(Tensor target, Tensor source) {
        if (!target.shape().equals(source.shape()) || target.dtype() != source.dtype()) {
            throw new ShapeException("assign: target " + target.dtype() + target.shape() + " and source "
                    + source.dtype() + source.shape() + " differ");
        }
        if (target.dtype() == DType.INT32) {
            System.arraycopy(HostInts.of(source), 0, HostInts.of(target), 0, (int)
                    target.shape().size());
        } else {
            System.arraycopy(HostFloats.of(source), 0, HostFloats.of(target), 0, (int)
                    target.shape().size());
        }
    }
}
