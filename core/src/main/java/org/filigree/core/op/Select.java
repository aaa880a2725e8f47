package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Broadcast;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Choice between two tensors, element by element. */
public final class Select {
    private Select() {}

    /**
     * whenSet where the mask is not 0, else whenClear. The unchosen element has no gradient, be it NaN or infinite.
     *
     * @param mask FLOAT32, broadcast to the shape of {@code whenSet}; no gradient
     * @param whenSet any shape
     * @param whenClear broadcast to the shape of {@code whenSet}
     * @return shape of {@code whenSet}
     */
    public static Tensor select(Tensor mask, Tensor whenSet, Tensor whenClear) {
        Backend backend = Backend.common("select", mask, whenSet, whenClear);
        Check.dtype("select", "mask", mask, DType.FLOAT32);
        Check.dtype("select", "whenSet", whenSet, DType.FLOAT32);
        Check.dtype("select", "whenClear", whenClear, DType.FLOAT32);
        Shape shape = whenSet.shape();
        stretches("mask", mask, shape);
        stretches("whenClear", whenClear, shape);
        Tensor chosen = Broadcasting.broadcastTo(Autograd.detach(mask), shape);
        Tensor other = Broadcasting.broadcastTo(whenClear, shape);
        Tensor y = backend.elementwise().select(chosen, whenSet, other);
        return Autograd.record("select", List.of(whenSet, other), y, dy -> {
            Tensor zeros = backend.tensors().zeros(shape);
            return List.of(
                    backend.elementwise().select(chosen, dy, zeros),
                    backend.elementwise().select(chosen, zeros, dy));
        });
    }

    private static void stretches(String name, Tensor x, Shape shape) {
        if (!Broadcast.of("select", x.shape(), shape).result().equals(shape)) {
            throw new ShapeException("select: " + name + " " + x.shape() + " does not stretch to whenSet " + shape);
        }
    }
}
