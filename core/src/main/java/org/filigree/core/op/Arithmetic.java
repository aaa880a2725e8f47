package org.filigree.core.op;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Binary;
import org.filigree.core.backend.Broadcast;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.Unary;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Arithmetic of two tensors, with broadcasting. */
public final class Arithmetic {
    private Arithmetic() {}

    /**
     * a + b.
     *
     * @param a FLOAT32
     * @param b FLOAT32, broadcast against a
     * @return broadcast shape
     */
    public static Tensor add(Tensor a, Tensor b) {
        Tensor y = compute(Binary.ADD, "add", a, b);
        return Autograd.record(
                "add",
                List.of(a, b),
                y,
                dy -> Arrays.asList(
                        Autograd.differentiable(a) ? Broadcasting.sumTo(dy, a.shape()) : null,
                        Autograd.differentiable(b) ? Broadcasting.sumTo(dy, b.shape()) : null));
    }

    /**
     * a − b.
     *
     * @param a FLOAT32
     * @param b FLOAT32, broadcast against a
     * @return broadcast shape
     */
    public static Tensor subtract(Tensor a, Tensor b) {
        Tensor y = compute(Binary.SUBTRACT, "subtract", a, b);
        return Autograd.record("subtract", List.of(a, b), y, dy -> {
            Elementwise elementwise = Backend.of(dy).elementwise();
            return Arrays.asList(
                    Autograd.differentiable(a) ? Broadcasting.sumTo(dy, a.shape()) : null,
                    Autograd.differentiable(b) ? Broadcasting.sumTo(elementwise.affine(dy, -1, 0), b.shape()) : null);
        });
    }

    /**
     * a·b, element by element.
     *
     * @param a FLOAT32
     * @param b FLOAT32, broadcast against a
     * @return broadcast shape
     */
    public static Tensor multiply(Tensor a, Tensor b) {
        Tensor y = compute(Binary.MULTIPLY, "multiply", a, b);
        return Autograd.record("multiply", List.of(a, b), y, dy -> {
            Elementwise elementwise = Backend.of(dy).elementwise();
            return Arrays.asList(
                    Autograd.differentiable(a)
                            ? Broadcasting.sumTo(elementwise.binary(Binary.MULTIPLY, dy, b), a.shape())
                            : null,
                    Autograd.differentiable(b)
                            ? Broadcasting.sumTo(elementwise.binary(Binary.MULTIPLY, dy, a), b.shape())
                            : null);
        });
    }

    /**
     * a/b, element by element.
     *
     * @param a FLOAT32
     * @param b FLOAT32, broadcast against a
     * @return broadcast shape
     */
    public static Tensor divide(Tensor a, Tensor b) {
        Tensor y = compute(Binary.DIVIDE, "divide", a, b);
        return Autograd.record("divide", List.of(a, b), y, dy -> {
            Elementwise elementwise = Backend.of(dy).elementwise();
            Tensor da = elementwise.binary(Binary.DIVIDE, dy, b);
            return Arrays.asList(
                    Autograd.differentiable(a) ? Broadcasting.sumTo(da, a.shape()) : null,
                    Autograd.differentiable(b)
                            ? Broadcasting.sumTo(
                                    elementwise.affine(elementwise.binary(Binary.MULTIPLY, da, y), -1, 0), b.shape())
                            : null);
        });
    }

    /**
     * The larger of two; at a tie the gradient goes to a.
     *
     * @param a FLOAT32
     * @param b FLOAT32, broadcast against a
     * @return broadcast shape
     */
    public static Tensor maximum(Tensor a, Tensor b) {
        return chosen(Binary.MAXIMUM, "maximum", b, a, a, b);
    }

    /**
     * The smaller of two; at a tie the gradient goes to a.
     *
     * @param a FLOAT32
     * @param b FLOAT32, broadcast against a
     * @return broadcast shape
     */
    public static Tensor minimum(Tensor a, Tensor b) {
        return chosen(Binary.MINIMUM, "minimum", a, b, a, b);
    }

    /** The gradient goes to b where {@code greater > smaller}, else to a. */
    private static Tensor chosen(Binary function, String name, Tensor greater, Tensor smaller, Tensor a, Tensor b) {
        Tensor y = compute(function, name, a, b);
        return Autograd.record(name, List.of(a, b), y, dy -> {
            Elementwise elementwise = Backend.of(dy).elementwise();
            Tensor toRight =
                    elementwise.binary(Binary.MULTIPLY, elementwise.binary(Binary.GREATER, greater, smaller), dy);
            return Arrays.asList(
                    Autograd.differentiable(a)
                            ? Broadcasting.sumTo(elementwise.binary(Binary.SUBTRACT, dy, toRight), a.shape())
                            : null,
                    Autograd.differentiable(b) ? Broadcasting.sumTo(toRight, b.shape()) : null);
        });
    }

    /**
     * |a| with the sign of b, the sign of a zero included; no gradient through b.
     *
     * @param a FLOAT32
     * @param b FLOAT32, broadcast against a
     * @return broadcast shape
     */
    public static Tensor copySign(Tensor a, Tensor b) {
        Tensor y = compute(Binary.COPY_SIGN, "copySign", a, b);
        return Autograd.record("copySign", List.of(a), y, dy -> {
            Elementwise elementwise = Backend.of(dy).elementwise();
            Tensor slope = elementwise.binary(
                    Binary.MULTIPLY, elementwise.unary(Unary.SIGN, a), elementwise.unary(Unary.SIGN, y));
            return List.of(Broadcasting.sumTo(elementwise.binary(Binary.MULTIPLY, dy, slope), a.shape()));
        });
    }

    /**
     * 1 where a &gt; b, else 0; without gradient.
     *
     * @param a FLOAT32
     * @param b FLOAT32, broadcast against a
     * @return broadcast shape
     */
    public static Tensor greater(Tensor a, Tensor b) {
        return compute(Binary.GREATER, "greater", a, b);
    }

    private static Tensor compute(Binary function, String name, Tensor a, Tensor b) {
        Check.dtype(name, "left", a, DType.FLOAT32);
        Check.dtype(name, "right", b, DType.FLOAT32);
        Broadcast.of(name, a.shape(), b.shape());
        return Backend.common(name, a, b).elementwise().binary(function, a, b);
    }
}
