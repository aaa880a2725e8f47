package org.filigree.mhc;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Both sides of a sub-layer of released mHC in one pass over the streams each. {@link #read} does norm, projection, split, Sinkhorn and
 * collapse; {@link #write} combines. Going back, {@link #writeGradient} passes the gradient of the streams on as it is, and {@link
 * #readGradient} takes it through the mix together with everything else, so that the streams and their gradient are read once.
 */
public interface SubLayerKernel extends FusedKernel {
    /**
     * Whether the kernel can do streams of a certain size.
     *
     * @param streams n
     * @param width width of each stream
     * @return false where the composition must run
     */
    boolean supports(int streams, int width);

    /**
     * Weights and input of the sub-layer, u = Σ_j pre_j·X_j.
     *
     * @param x X [outer…, n, width]
     * @param operands parameters and constants
     * @param carried weights by which to read in the place of pre [outer…, n], in the lagged form; else null
     * @return u, the weights, and what the way back needs
     */
    Read read(Tensor x, Operands operands, @Nullable Tensor carried);

    /**
     * X′_k = post_k·y + Σ_j comb[j,k]·X_j.
     *
     * @param x X [outer…, n, width]
     * @param y output of the sub-layer [outer…, width]
     * @param post [outer…, n]
     * @param comb [outer…, n, n]
     * @return X′ [outer…, n, width]
     */
    Tensor write(Tensor x, Tensor y, Tensor post, Tensor comb);

    /**
     * The gradients that lie between the sub-layer and the streams: dy = Σ_k post_k·Γ_k, dpost_k = Γ_k·y.
     *
     * @param y output of the sub-layer [outer…, width]
     * @param post [outer…, n]
     * @param upstream Γ, gradient of X′ [outer…, n, width]
     * @return both gradients
     */
    WriteGradient writeGradient(Tensor y, Tensor post, Tensor upstream);

    /**
     * All gradients of {@link #read}, and the one that {@link #write} owes X and comb.
     *
     * @param x X [outer…, n, width]
     * @param operands as forward
     * @param carried as forward
     * @param read what the forward pass gave
     * @param upstream what has come back
     * @return gradients of X, of the parameters and of the carried weights
     */
    ReadGradient readGradient(Tensor x, Operands operands, @Nullable Tensor carried, Read read, Upstream upstream);

    /**
     * What the weights are computed from.
     *
     * @param fn φ [n(n+2), n·width]
     * @param base b [n(n+2)]
     * @param scale α [3]
     * @param form iterations and ε
     * @param normEps ε of the norm
     */
    record Operands(Tensor fn, Tensor base, Tensor scale, Mixing.DoublyStochastic form, double normEps) {}

    /**
     * What reading gives.
     *
     * @param u [outer…, width]
     * @param weights pre, post and comb
     * @param projection m = φ·v/rms(v) [outer…, n(n+2)]
     * @param inverseRms 1/rms(v) [outer…]
     */
    record Read(Tensor u, MixWeights weights, Tensor projection, Tensor inverseRms) {}

    /**
     * Gradients of what goes into {@link #write} beside the streams.
     *
     * @param dy [outer…, width]
     * @param dPost [outer…, n]
     */
    record WriteGradient(Tensor dy, Tensor dPost) {}

    /**
     * What comes back to {@link #read}.
     *
     * @param du gradient of the sub-layer's input [outer…, width]
     * @param dPre gradient of pre, beside what reading by it gives [outer…, n]; null where nobody else uses pre
     * @param dPost gradient of post [outer…, n]
     * @param dNext Γ, gradient of X′ [outer…, n, width]
     */
    record Upstream(Tensor du, @Nullable Tensor dPre, Tensor dPost, Tensor dNext) {}

    /**
     * What reading passes on.
     *
     * @param dx [outer…, n, width], through all paths
     * @param dFn [n(n+2), n·width]
     * @param dBase [n(n+2)]
     * @param dScale [3]
     * @param dCarried [outer…, n]; null where nothing was carried
     */
    record ReadGradient(
            Tensor dx,
            Tensor dFn,
            Tensor dBase,
            Tensor dScale,
            @Nullable Tensor dCarried) {}
}
