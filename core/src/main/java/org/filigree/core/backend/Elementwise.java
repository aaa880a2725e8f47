package org.filigree.core.backend;

import org.filigree.core.tensor.Tensor;

/** Functions of single elements. Operands are FLOAT32; shapes were checked by the caller. */
public interface Elementwise {
    /**
     * Applies a function to every element.
     *
     * @param function which
     * @param x any shape
     * @return same shape as x
     */
    Tensor unary(Unary function, Tensor x);

    /**
     * The gradient of {@link #unary}: dy·f′(x).
     *
     * @param function which
     * @param x operand of the forward pass
     * @param y its result
     * @param dy gradient of the result
     * @return gradient of the operand
     */
    Tensor unaryGradient(Unary function, Tensor x, Tensor y, Tensor dy);

    /**
     * Applies a function to pairs of elements, with broadcasting: axes are matched from the last, and an extent of 1 stretches.
     *
     * @param function which
     * @param a left operand
     * @param b right operand
     * @return the broadcast shape, see {@link Broadcast}
     */
    Tensor binary(Binary function, Tensor a, Tensor b);

    /**
     * scale·x + shift.
     *
     * @param x any shape
     * @param scale factor
     * @param shift summand
     * @return same shape as x
     */
    Tensor affine(Tensor x, double scale, double shift);

    /**
     * min(max(x, low), high).
     *
     * @param x any shape
     * @param low lower bound, may be −∞
     * @param high upper bound, may be +∞
     * @return same shape as x
     */
    Tensor clamp(Tensor x, double low, double high);

    /**
     * Chooses element by element.
     *
     * @param mask FLOAT32; non-zero chooses the first
     * @param whenSet same shape as mask
     * @param whenClear same shape as mask
     * @return same shape as mask
     */
    Tensor select(Tensor mask, Tensor whenSet, Tensor whenClear);
}
