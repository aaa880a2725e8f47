package org.filigree.mhc;

import java.util.List;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One step on given streams X, cut in two around its sub-layer, on plain tensors: what {@link RecomputedBlock} computes in the forward
 * pass and again in the backward pass. From reading to writing leads F, and past F some tensors that nobody else sees. Gradients are
 * those of the whole step, with the same bits.
 */
interface CutStep {
    /** What F reads, [outer…, width]. */
    Tensor u();

    /** What leads past F: only the shapes matter, since the gradients are between the two halves. */
    List<Tensor> past();

    /** X′ from F's output. */
    Tensor next(Tensor y);

    /** From Γ, the gradient of X′: that of y, then one for each tensor that leads past F. */
    List<Tensor> writeGradient(Tensor y, Tensor dNext);

    /**
     * From the gradients of u and of each tensor that leads past F, null where nothing came back: that of X, then one for each
     * parameter.
     */
    List<@Nullable Tensor> readGradient(List<? extends @Nullable Tensor> upstream);
}
