package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** Softmax over the last axis in one pass a row. */
public interface SoftmaxKernel extends FusedKernel {
    /**
     * y = exp(x − max x) / Σ exp(x − max x).
     *
     * @param x [outer…, n]; a row of −∞ gives zeros
     * @return [outer…, n]
     */
    Tensor softmax(Tensor x);

    /**
     * dx = y ∘ (dy − Σ y∘dy).
     *
     * @param y result of the forward pass
     * @param dy its gradient
     * @return gradient of x
     */
    Tensor gradient(Tensor y, Tensor dy);
}
