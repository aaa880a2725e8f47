package org.filigree.core.op;

import java.util.List;
import java.util.Locale;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Unary;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Functions of single elements. */
public final class Pointwise {
    private Pointwise() {}

    /**
     * −x.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor negate(Tensor x) {
        return apply(Unary.NEGATE, x);
    }

    /**
     * eˣ.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor exp(Tensor x) {
        return apply(Unary.EXP, x);
    }

    /**
     * The natural logarithm.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor log(Tensor x) {
        return apply(Unary.LOG, x);
    }

    /**
     * √x.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor sqrt(Tensor x) {
        return apply(Unary.SQRT, x);
    }

    /**
     * 1/√x.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor rsqrt(Tensor x) {
        return apply(Unary.RSQRT, x);
    }

    /**
     * 1/x.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor reciprocal(Tensor x) {
        return apply(Unary.RECIPROCAL, x);
    }

    /**
     * x².
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor square(Tensor x) {
        return apply(Unary.SQUARE, x);
    }

    /**
     * |x|; gradient 0 at 0.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor abs(Tensor x) {
        return apply(Unary.ABS, x);
    }

    /**
     * −1, 0 or 1; gradient 0.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor sign(Tensor x) {
        return apply(Unary.SIGN, x);
    }

    /**
     * 1/(1+e⁻ˣ).
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor sigmoid(Tensor x) {
        return apply(Unary.SIGMOID, x);
    }

    /**
     * The hyperbolic tangent.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor tanh(Tensor x) {
        return apply(Unary.TANH, x);
    }

    /**
     * x·σ(x).
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor silu(Tensor x) {
        return apply(Unary.SILU, x);
    }

    /**
     * log(1+eˣ), equal to x above 20.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor softplus(Tensor x) {
        return apply(Unary.SOFTPLUS, x);
    }

    /**
     * max(x, 0); gradient 0 at 0.
     *
     * @param x any shape
     * @return same shape
     */
    public static Tensor relu(Tensor x) {
        return apply(Unary.RELU, x);
    }

    /**
     * Any of the functions above.
     *
     * @param function which
     * @param x any shape
     * @return same shape
     */
    public static Tensor apply(Unary function, Tensor x) {
        String name = function.name().toLowerCase(Locale.ROOT);
        Check.dtype(name, "x", x, DType.FLOAT32);
        Tensor y = Backend.of(x).elementwise().unary(function, x);
        return Autograd.record(
                name, List.of(x), y, dy -> List.of(Backend.of(dy).elementwise().unaryGradient(function, x, y, dy)));
    }
}
