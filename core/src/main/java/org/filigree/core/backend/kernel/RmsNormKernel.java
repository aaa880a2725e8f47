package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Root-mean-square normalisation over the last axis. */
public interface RmsNormKernel extends FusedKernel {
    /**
     * y = x·r∘w with r = (mean x² + eps)^−½.
     *
     * @param x [outer…, width]
     * @param weight [width], or null for none
     * @param eps added to the mean square
     * @return y and r
     */
    Saved forward(Tensor x, @Nullable Tensor weight, double eps);

    /**
     * With g = dy∘w: dx = r·(g − x·r²·mean(g∘x)), dw = Σ dy∘x·r.
     *
     * @param x [outer…, width]
     * @param weight [width], or null for none
     * @param inverseRms of the forward pass, [outer…]
     * @param dy gradient of y
     * @return gradients
     */
    Gradient gradient(Tensor x, @Nullable Tensor weight, Tensor inverseRms, Tensor dy);

    /**
     * What the forward pass gives.
     *
     * @param y [outer…, width]
     * @param inverseRms r, [outer…]
     */
    record Saved(Tensor y, Tensor inverseRms) {}

    /**
     * What the backward pass gives.
     *
     * @param dx [outer…, width]
     * @param dWeight [width], null where there is no weight
     */
    record Gradient(Tensor dx, @Nullable Tensor dWeight) {}
}
