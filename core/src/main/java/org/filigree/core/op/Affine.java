package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Multiplication by, and addition of, a number. */
public final class Affine {
    private Affine() {}

    /**
     * factor·x.
     *
     * @param x any shape
     * @param factor a number
     * @return same shape
     */
    public static Tensor scale(Tensor x, double factor) {
        return affine(x, factor, 0);
    }

    /**
     * x + summand.
     *
     * @param x any shape
     * @param summand a number
     * @return same shape
     */
    public static Tensor shift(Tensor x, double summand) {
        return affine(x, 1, summand);
    }

    /**
     * factor·x + summand.
     *
     * @param x any shape
     * @param factor a number
     * @param summand a number
     * @return same shape
     */
    public static Tensor affine(Tensor x, double factor, double summand) {
        Check.dtype("affine", "x", x, DType.FLOAT32);
        Tensor y = Backend.of(x).elementwise().affine(x, factor, summand);
        return Autograd.record(
                "affine",
                List.of(x),
                y,
                dy -> List.of(Backend.of(dy).elementwise().affine(dy, factor, 0)));
    }
}
