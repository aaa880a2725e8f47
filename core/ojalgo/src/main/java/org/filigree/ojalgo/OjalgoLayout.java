package org.filigree.ojalgo;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Layout;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Rearrangements: every element of the result is fetched from a place that an odometer of steps through the operand gives. */
record OjalgoLayout(Backend backend) implements Layout {
    @Override
    public Tensor permute(Tensor x, int[] order) {
        int[] strides = strides(x.shape());
        int[] dims = new int[order.length];
        int[] steps = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            dims[i] = x.dim(order[i]);
            steps[i] = strides[order[i]];
        }
        return fetched(x, Shape.of(dims), steps, 0);
    }

    @Override
    public Tensor slice(Tensor x, int axis, int from, int to) {
        int[] steps = strides(x.shape());
        return fetched(x, x.shape().withDim(axis, to - from), steps, from * steps[axis]);
    }

    @Override
    public Tensor broadcast(Tensor x, Shape shape) {
        int[] strides = strides(x.shape());
        int added = shape.rank() - x.shape().rank();
        int[] steps = new int[shape.rank()];
        for (int i = added; i < steps.length; i++) {
            steps[i] = x.dim(i - added) == 1 ? 0 : strides[i - added];
        }
        return fetched(x, shape, steps, 0);
    }

    private static int[] strides(Shape shape) {
        int[] strides = new int[shape.rank()];
        for (int axis = 0; axis < strides.length; axis++) {
            strides[axis] = (int) shape.count(axis + 1, shape.rank());
        }
        return strides;
    }

    private Tensor fetched(Tensor x, Shape shape, int[] steps, int start) {
        int[] places = new int[Math.toIntExact(shape.size())];
        int[] index = new int[shape.rank()];
        int place = start;
        for (int i = 0; i < places.length; i++) {
            places[i] = place;
            for (int axis = index.length - 1; axis >= 0; axis--) {
                place += steps[axis];
                if (++index[axis] < shape.dim(axis)) {
                    break;
                }
                place -= shape.dim(axis) * steps[axis];
                index[axis] = 0;
            }
        }
        if (x.dtype() == DType.INT32) {
            int[] in = HostInts.of(x);
            int[] out = new int[places.length];
            for (int i = 0; i < out.length; i++) {
                out[i] = in[places[i]];
            }
            return HostInts.tensor(backend, shape, out);
        }
        double[] in = Doubles.of(x);
        double[] out = new double[places.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = in[places[i]];
        }
        return Doubles.tensor(backend, shape, out);
    }

    @Override
    public Tensor concat(List<Tensor> parts, int axis) {
        Tensor first = parts.getFirst();
        int total = parts.stream().mapToInt(part -> part.dim(axis)).reduce(0, Math::addExact);
        Shape shape = first.shape().withDim(axis, total);
        int inner = (int) shape.count(axis + 1, shape.rank());
        int outer = (int) shape.count(0, axis);
        boolean whole = first.dtype() == DType.INT32;
        Object out = whole ? new int[Math.toIntExact(shape.size())] : Doubles.allocate(shape);
        int start = 0;
        for (Tensor part : parts) {
            int run = part.dim(axis) * inner;
            for (int i = 0; i < outer; i++) {
                System.arraycopy(
                        whole ? HostInts.of(part) : Doubles.of(part), i * run, out, i * total * inner + start, run);
            }
            start += run;
        }
        return whole ? HostInts.tensor(backend, shape, (int[]) out) : Doubles.tensor(backend, shape, (double[]) out);
    }
}
