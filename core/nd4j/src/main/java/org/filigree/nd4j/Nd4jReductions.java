package org.filigree.nd4j;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Reductions;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Reductions over arrays of three axes: what lies outside the axis, the axis, what lies inside. */
record Nd4jReductions(Backend backend) implements Reductions {
    private static final int NOT_EXCLUSIVE = 0;

    @Override
    public Tensor sum(Tensor x, int axis) {
        Shape shape = x.shape().without(axis);
        if (Reals.isEmpty(x.shape())) {
            return backend.tensors().full(shape, 0);
        }
        return Reals.tensor(backend, shape, slabs(x, axis).sum(1));
    }

    @Override
    public Tensor max(Tensor x, int axis) {
        Shape shape = x.shape().without(axis);
        if (Reals.isEmpty(x.shape())) {
            return backend.tensors().full(shape, Double.NEGATIVE_INFINITY);
        }
        INDArray slabs = slabs(x, axis);
        INDArray missing = Nd4jElementwise.missing(Nd4jElementwise.isNaN(slabs).sum(1));
        return Reals.tensor(backend, shape, slabs.max(1).addi(missing));
    }

    @Override
    public Tensor cumulativeSum(Tensor x, int axis, Direction direction) {
        if (Reals.isEmpty(x.shape())) {
            return x;
        }
        INDArray slabs = slabs(x, axis);
        INDArray sums = Nd4j.exec(DynamicCustomOp.builder("cumsum")
                .addInputs(slabs)
                .addOutputs(slabs.ulike())
                .addIntegerArguments(NOT_EXCLUSIVE, direction == Direction.BACKWARD ? 1 : 0, 1)
                .build())[0];
        return Reals.tensor(backend, x.shape(), sums);
    }

    private static INDArray slabs(Tensor x, int axis) {
        Shape shape = x.shape();
        return Reals.of(x, shape.count(0, axis), shape.dim(axis), shape.count(axis + 1, shape.rank()));
    }
}
