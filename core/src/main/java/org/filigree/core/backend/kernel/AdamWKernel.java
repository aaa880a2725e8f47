package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** One AdamW update in a single pass over its operands. */
public interface AdamWKernel extends FusedKernel {
    /**
     * m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w(1 − η·λ) − η·(m/c₁)/(√(v/c₂) + ε).
     *
     * @param step the constants of this step
     * @param weight w, overwritten
     * @param gradient g
     * @param first m, overwritten
     * @param second v, overwritten
     */
    void update(Step step, Tensor weight, Tensor gradient, Tensor first, Tensor second);

    /**
     * The constants of one step.
     *
     * @param rate η
     * @param beta1 β₁
     * @param beta2 β₂
     * @param epsilon ε
     * @param decay λ
     * @param correction1 c₁ = 1 − β₁ᵗ
     * @param correction2 c₂ = 1 − β₂ᵗ
     */
    record Step(
            double rate,
            double beta1,
            double beta2,
            double epsilon,
            double decay,
            double correction1,
            double correction2) {}
}
