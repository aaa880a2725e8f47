package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** Matrix products of consecutive groups of rows, each with its own weight: experts on tokens sorted by expert. */
public interface GroupedProductKernel extends FusedKernel {
    /**
     * y[r] = x[r]·w[g]ᵀ for rows offsets[g] ≤ r &lt; offsets[g+1].
     *
     * @param x [rows, k]
     * @param weights [groups, n, k]
     * @param offsets INT32 [groups+1], ascending from 0 to rows
     * @return [rows, n]
     */
    Tensor multiply(Tensor x, Tensor weights, Tensor offsets);

    /**
     * dx[r] = dy[r]·w[g].
     *
     * @param dy [rows, n]
     * @param weights [groups, n, k]
     * @param offsets INT32 [groups+1]
     * @return [rows, k]
     */
    Tensor inputGradient(Tensor dy, Tensor weights, Tensor offsets);

    /**
     * dw[g] = Σ_r dy[r]ᵀ·x[r] over the rows of the group; zeros for a group without rows.
     *
     * @param dy [rows, n]
     * @param x [rows, k]
     * @param offsets INT32 [groups+1]
     * @return [groups, n, k]
     */
    Tensor weightGradient(Tensor dy, Tensor x, Tensor offsets);
}
