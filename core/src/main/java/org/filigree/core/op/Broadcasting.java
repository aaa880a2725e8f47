package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Broadcast;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Stretching to a larger shape; its gradient sums what was repeated. */
public final class Broadcasting {
    private Broadcasting() {}

    /**
     * Repeats a tensor along axes of extent 1 and along new leading axes.
     *
     * @param x either type
     * @param shape shape that x stretches to
     * @return x repeated
     * @throws ShapeException if x does not stretch to the shape
     */
    public static Tensor broadcastTo(Tensor x, Shape shape) {
        if (x.shape().equals(shape)) {
            return x;
        }
        if (!Broadcast.of("broadcastTo", x.shape(), shape).result().equals(shape)) {
            throw new ShapeException("broadcastTo: " + x.shape() + " is larger than " + shape);
        }
        return Autograd.record(
                "broadcastTo",
                List.of(x),
                Backend.of(x).layout().broadcast(x, shape),
                dy -> List.of(sumTo(dy, x.shape())));
    }

    /** Sums a gradient over the axes along which its operand was stretched. */
    static Tensor sumTo(Tensor gradient, Shape shape) {
        if (gradient.shape().equals(shape)) {
            return gradient;
        }
        Backend backend = Backend.of(gradient);
        Tensor sum = gradient;
        int extra = sum.shape().rank() - shape.rank();
        if (extra > 0) {
            int lead = Math.toIntExact(sum.shape().count(0, extra));
            int[] tail = new int[shape.rank() + 1];
            tail[0] = lead;
            for (int i = 0; i < shape.rank(); i++) {
                tail[i + 1] = sum.dim(extra + i);
            }
            sum = backend.reductions().sum(sum.viewedAs(Shape.of(tail)), 0);
        }
        for (int axis = 0; axis < shape.rank(); axis++) {
            if (shape.dim(axis) == 1 && sum.dim(axis) != 1) {
                sum = backend.reductions().sum(sum, axis).viewedAs(sum.shape().withDim(axis, 1));
            }
        }
        return sum.viewedAs(shape);
    }
}
