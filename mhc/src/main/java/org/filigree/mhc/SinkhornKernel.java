package org.filigree.mhc;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** All iterations of {@link Sinkhorn} in one go, forward and backward. */
public interface SinkhornKernel extends FusedKernel {
    /**
     * Whether the kernel can do matrices of a certain size.
     *
     * @param n rows and columns
     * @return false where the composition must run
     */
    boolean supports(int n);

    /**
     * Normalises square matrices, each by itself.
     *
     * @param logits [outer…, n, n]
     * @param iterations R, 1 or more
     * @param eps ε; 0 is asked for too, and then a matrix whose logits span more than 40 may come out as anything, NaN included, here
     *     and as a gradient: the caller does those over
     * @return same shape
     */
    Tensor sinkhorn(Tensor logits, int iterations, double eps);

    /**
     * The gradient of the logits; recomputes whatever it needs.
     *
     * @param logits [outer…, n, n]
     * @param iterations R
     * @param eps ε
     * @param dy gradient of the result
     * @return same shape
     */
    Tensor gradient(Tensor logits, int iterations, double eps, Tensor dy);
}
