package org.filigree.nd4j;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.TensorFactory;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Makes tensors in ND4J arrays. */
record Nd4jTensors(Backend backend) implements TensorFactory {
    @Override
    public Tensor floats(Shape shape, float[] values) {
        return values.length == 0
                ? Reals.empty(backend, shape)
                : Reals.tensor(backend, shape, Nd4j.createFromArray(values));
    }

    @Override
    public Tensor doubles(Shape shape, double[] values) {
        float[] narrow = new float[values.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) values[i];
        }
        return floats(shape, narrow);
    }

    @Override
    public Tensor ints(Shape shape, int[] values) {
        return HostInts.tensor(backend, shape, values.clone());
    }

    @Override
    public Tensor full(Shape shape, double value) {
        return Reals.isEmpty(shape)
                ? Reals.empty(backend, shape)
                : Reals.tensor(backend, shape, Nd4j.valueArrayOf(new long[] {shape.size()}, value, DataType.FLOAT));
    }

    @Override
    public void assign(Tensor target, Tensor source) {
        if (!target.shape().equals(source.shape()) || target.dtype() != source.dtype()) {
            throw new ShapeException("assign: target " + target.dtype() + target.shape() + " and source "
                    + source.dtype() + source.shape() + " differ");
        }
        if (target.dtype() == DType.INT32) {
            int[] to = HostInts.of(target);
            System.arraycopy(HostInts.of(source), 0, to, 0, to.length);
        } else if (!Reals.isEmpty(target.shape())) {
            Reals.flat(target).assign(Reals.flat(source));
        }
    }
}
