package org.filigree.ojalgo;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.TensorFactory;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Makes tensors in arrays of doubles; float32 numbers widen exactly. */
record OjalgoTensors(Backend backend) implements TensorFactory {
    @Override
    public Tensor floats(Shape shape, float[] values) {
        double[] array = new double[values.length];
        for (int i = 0; i < array.length; i++) {
            array[i] = values[i];
        }
        return Doubles.tensor(backend, shape, array);
    }

    @Override
    public Tensor doubles(Shape shape, double[] values) {
        return Doubles.tensor(backend, shape, values.clone());
    }

    @Override
    public Tensor ints(Shape shape, int[] values) {
        return HostInts.tensor(backend, shape, values.clone());
    }

    @Override
    public Tensor full(Shape shape, double value) {
        double[] array = Doubles.allocate(shape);
        Arrays.fill(array, value);
        return Doubles.tensor(backend, shape, array);
    }

    @Override
    public void assign(Tensor target, Tensor source) {
        if (!target.shape().equals(source.shape()) || target.dtype() != source.dtype()) {
            throw new ShapeException("assign: target " + target.dtype() + target.shape() + " and source "
                    + source.dtype() + source.shape() + " differ");
        }
        int size = Math.toIntExact(target.shape().size());
        if (target.dtype() == DType.INT32) {
            System.arraycopy(HostInts.of(source), 0, HostInts.of(target), 0, size);
        } else {
            System.arraycopy(Doubles.of(source), 0, Doubles.of(target), 0, size);
        }
    }
}
