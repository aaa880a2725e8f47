package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Binary;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.TensorFactory;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Restriction to an interval; no gradient flows where it acts. */
public final class Clamp {
    private Clamp() {}

    /**
     * min(max(x, low), high); the gradient is 0 strictly outside the interval and 1 on its bounds.
     *
     * @param x any shape
     * @param low lower bound, may be −∞
     * @param high upper bound, may be +∞
     * @return same shape
     */
    public static Tensor clamp(Tensor x, double low, double high) {
        Check.dtype("clamp", "x", x, DType.FLOAT32);
        if (!(low <= high)) {
            throw new IllegalArgumentException("clamp: low " + low + " is above high " + high);
        }
        Tensor y = Backend.of(x).elementwise().clamp(x, low, high);
        return Autograd.record("clamp", List.of(x), y, dy -> {
            Elementwise elementwise = Backend.of(dy).elementwise();
            TensorFactory tensors = Backend.of(dy).tensors();
            Tensor below = elementwise.binary(Binary.GREATER, tensors.full(Shape.of(), low), x);
            Tensor above = elementwise.binary(Binary.GREATER, x, tensors.full(Shape.of(), high));
            Tensor outside = elementwise.binary(Binary.ADD, below, above);
            return List.of(elementwise.select(outside, tensors.zeros(x.shape()), dy));
        });
    }
}
