package org.filigree.nd4j;

import java.util.List;
import java.util.stream.IntStream;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Layout;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Rearrangements of real numbers by ND4J; integers lie in Java arrays and are rearranged there. */
record Nd4jLayout(Backend backend, HostFallback host) implements Layout {
    @Override
    public Tensor permute(Tensor x, int[] order) {
        if (x.dtype() == DType.INT32) {
            return host.apply(x, ints -> host.scalar().layout().permute(ints, order));
        }
        Shape shape = Shape.of(IntStream.of(order).map(x::dim).toArray());
        return Reals.isEmpty(shape) || shape.rank() < 2
                ? x.viewedAs(shape)
                : Reals.tensor(backend, shape, Reals.shaped(x).permute(order).dup('c'));
    }

    @Override
    public Tensor slice(Tensor x, int axis, int from, int to) {
        if (x.dtype() == DType.INT32) {
            return host.apply(x, ints -> host.scalar().layout().slice(ints, axis, from, to));
        }
        Shape shape = x.shape().withDim(axis, to - from);
        if (Reals.isEmpty(shape)) {
            return Reals.empty(backend, shape);
        }
        INDArray part = slabs(x, axis)
                .get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all())
                .dup('c');
        return Reals.tensor(backend, shape, part);
    }

    @Override
    public Tensor concat(List<Tensor> parts, int axis) {
        if (parts.getFirst().dtype() == DType.INT32) {
            host.count();
            return host.up(
                    host.scalar().layout().concat(parts.stream().map(host::down).toList(), axis));
        }
        int total = parts.stream().mapToInt(part -> part.dim(axis)).reduce(0, Math::addExact);
        Shape shape = parts.getFirst().shape().withDim(axis, total);
        if (Reals.isEmpty(shape)) {
            return Reals.empty(backend, shape);
        }
        INDArray[] slabs = parts.stream()
                .filter(part -> !Reals.isEmpty(part.shape()))
                .map(part -> slabs(part, axis))
                .toArray(INDArray[]::new);
        // With a single part left ND4J would hand back that part itself, and tensors never share what can be assigned.
        return Reals.tensor(backend, shape, slabs.length == 1 ? slabs[0].dup('c') : Nd4j.concat(1, slabs));
    }

    @Override
    public Tensor broadcast(Tensor x, Shape shape) {
        if (x.dtype() == DType.INT32) {
            return host.apply(x, ints -> host.scalar().layout().broadcast(ints, shape));
        }
        if (Reals.isEmpty(shape)) {
            return Reals.empty(backend, shape);
        }
        long[] own = new long[shape.rank()];
        int added = shape.rank() - x.shape().rank();
        for (int i = 0; i < own.length; i++) {
            own[i] = i < added ? 1 : x.dim(i - added);
        }
        INDArray array = Reals.of(x, own);
        return Reals.tensor(
                backend, shape, x.shape().size() == shape.size() ? array.dup('c') : array.broadcast(Reals.dims(shape)));
    }

    private static INDArray slabs(Tensor x, int axis) {
        Shape shape = x.shape();
        return Reals.of(x, shape.count(0, axis), shape.dim(axis), shape.count(axis + 1, shape.rank()));
    }
}
