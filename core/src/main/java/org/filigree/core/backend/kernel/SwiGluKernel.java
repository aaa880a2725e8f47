package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** The gated unit silu(min(g, L))·clamp(u, −L, L). */
public interface SwiGluKernel extends FusedKernel {
    /**
     * Forward.
     *
     * @param gate g, any shape
     * @param up u, same shape
     * @param limit L, +∞ for none
     * @return same shape
     */
    Tensor swiGlu(Tensor gate, Tensor up, double limit);

    /**
     * Backward: dg is 0 where g &gt; L, du is 0 where |u| &gt; L.
     *
     * @param gate g
     * @param up u
     * @param limit L
     * @param dy gradient of the result
     * @return gradients of gate and up
     */
    Gradient gradient(Tensor gate, Tensor up, double limit, Tensor dy);

    /**
     * What the backward pass gives.
     *
     * @param dGate gradient of g
     * @param dUp gradient of u
     */
    record Gradient(Tensor dGate, Tensor dUp) {}
}
