package org.filigree.core.backend.host;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Broadcast;
import org.filigree.core.backend.Layout;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Rearrangements of Java arrays, in runs as long as the layout allows. {@link System#arraycopy} takes arrays of either element
 * type, so each rearrangement is written once.
 *
 * @param backend whose tensors they are
 */
public record HostLayout(HostBackend backend) implements Layout {
    @Override
    public Tensor permute(Tensor x, int[] order) {
        int rank = order.length;
        int[] strides = new int[rank];
        int step = 1;
        for (int axis = rank - 1; axis >= 0; axis--) {
            strides[axis] = step;
            step *= x.dim(axis);
        }
        int[] dims = new int[rank];
        int[] steps = new int[rank];
        for (int i = 0; i < rank; i++) {
            dims[i] = x.dim(order[i]);
            steps[i] = strides[order[i]];
        }
        int run = 1;
        int outer = rank;
        while (outer > 0 && (dims[outer - 1] == 1 || steps[outer - 1] == run)) {
            outer--;
            run *= dims[outer];
        }
        Shape shape = Shape.of(dims);
        Object source = array(x);
        Object target = newArray(x.dtype(), shape);
        int size = (int) shape.size();
        if (run > 1 || outer == 0) {
            int[] index = new int[outer];
            for (int to = 0, from = 0; to < size; to += run) {
                System.arraycopy(source, from, target, to, run);
                from = advance(index, dims, steps, outer, from);
            }
        } else if (x.dtype() == DType.INT32) {
            permuteInts((int[]) source, (int[]) target, dims, steps);
        } else {
            permuteFloats((float[]) source, (float[]) target, dims, steps);
        }
        return tensor(x.dtype(), shape, target);
    }

    private static void permuteFloats(float[] source, float[] target, int[] dims, int[] steps) {
        int outer = dims.length - 1;
        int inner = dims[outer];
        int step = steps[outer];
        int[] index = new int[outer];
        for (int to = 0, from = 0; to < target.length; to += inner) {
            for (int i = 0, at = from; i < inner; i++, at += step) {
                target[to + i] = source[at];
            }
            from = advance(index, dims, steps, outer, from);
        }
    }

    private static void permuteInts(int[] source, int[] target, int[] dims, int[] steps) {
        int outer = dims.length - 1;
        int inner = dims[outer];
        int step = steps[outer];
        int[] index = new int[outer];
        for (int to = 0, from = 0; to < target.length; to += inner) {
            for (int i = 0, at = from; i < inner; i++, at += step) {
                target[to + i] = source[at];
            }
            from = advance(index, dims, steps, outer, from);
        }
    }

    private static int advance(int[] index, int[] dims, int[] steps, int axes, int offset) {
        int at = offset;
        for (int axis = axes - 1; axis >= 0; axis--) {
            at += steps[axis];
            if (++index[axis] < dims[axis]) {
                return at;
            }
            at -= dims[axis] * steps[axis];
            index[axis] = 0;
        }
        return at;
    }

    @Override
    public Tensor slice(Tensor x, int axis, int from, int to) {
        Shape shape = x.shape().withDim(axis, to - from);
        int inner = (int) x.shape().count(axis + 1, x.shape().rank());
        int stride = x.dim(axis) * inner;
        int run = (to - from) * inner;
        Object source = array(x);
        Object target = newArray(x.dtype(), shape);
        int outer = (int) x.shape().count(0, axis);
        for (int i = 0; i < outer; i++) {
            System.arraycopy(source, i * stride + from * inner, target, i * run, run);
        }
        return tensor(x.dtype(), shape, target);
    }

    @Override
    public Tensor concat(List<Tensor> parts, int axis) {
        Tensor first = parts.getFirst();
        int total = 0;
        for (Tensor part : parts) {
            total = Math.addExact(total, part.dim(axis));
        }
        Shape shape = first.shape().withDim(axis, total);
        int inner = (int) shape.count(axis + 1, shape.rank());
        int outer = (int) shape.count(0, axis);
        Object target = newArray(first.dtype(), shape);
        int start = 0;
        for (Tensor part : parts) {
            Object source = array(part);
            int run = part.dim(axis) * inner;
            for (int i = 0; i < outer; i++) {
                System.arraycopy(source, i * run, target, i * total * inner + start, run);
            }
            start += run;
        }
        return tensor(first.dtype(), shape, target);
    }

    @Override
    public Tensor broadcast(Tensor x, Shape shape) {
        Broadcast plan = Broadcast.of("broadcast", x.shape(), shape);
        Object target = newArray(x.dtype(), shape);
        int run = plan.run();
        int step = plan.leftStrides()[plan.leftStrides().length - 1];
        Object source = array(x);
        for (int i = 0; i < plan.runs(); i++) {
            int from = plan.offset(plan.leftStrides(), i);
            if (step != 0) {
                System.arraycopy(source, from, target, i * run, run);
            } else if (target instanceof float[] floats) {
                Arrays.fill(floats, i * run, i * run + run, ((float[]) source)[from]);
            } else {
                Arrays.fill((int[]) target, i * run, i * run + run, ((int[]) source)[from]);
            }
        }
        return tensor(x.dtype(), shape, target);
    }

    private static Object array(Tensor x) {
        return x.dtype() == DType.INT32 ? HostInts.of(x) : HostFloats.of(x);
    }

    private static Object newArray(DType dtype, Shape shape) {
        int length = HostFloats.length(shape);
        return dtype == DType.INT32 ? new int[length] : new float[length];
    }

    private Tensor tensor(DType dtype, Shape shape, Object array) {
        return dtype == DType.INT32
                ? HostInts.tensor(backend, shape, (int[]) array)
                : HostFloats.tensor(backend, shape, (float[]) array);
    }
}
