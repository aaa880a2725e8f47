package org.filigree.mhc;

import org.filigree.core.tensor.Check;

/** How streams are read, written and mixed around a sub-layer: the choice of residual connection. */
public sealed interface Mixing {
    /** {@return the plain residual x + F(x), for a single stream} */
    static Mixing residual() {
        return new Residual();
    }

    /**
     * mHC as released with DeepSeek-V4, with ε = 1e-6.
     *
     * @param iterations iterations of Sinkhorn–Knopp, 20 in released models
     * @return the choice
     */
    static Mixing sinkhorn(int iterations) {
        return new DoublyStochastic(iterations, 1e-6);
    }

    /**
     * mHC as the paper defines it, without any ε.
     *
     * @param iterations iterations of Sinkhorn–Knopp, 20 in the paper
     * @return the choice
     */
    static Mixing paper(int iterations) {
        return new Paper(iterations);
    }

    /**
     * The single-pass form of DeepSeek-V4.1, with ε = 1e-6; {@link Carried} says how it is used.
     *
     * @param iterations iterations of Sinkhorn–Knopp, 20 in released models
     * @return the choice
     */
    static Mixing lagged(int iterations) {
        return new Lagged(iterations, 1e-6);
    }

    /** {@return exactly doubly stochastic mixtures of all permutations (mHC-lite), for up to 5 streams} */
    static Mixing permutations() {
        return new Permutations();
    }

    /** {@return exactly doubly stochastic Kronecker products of 2 × 2 matrices (KromHC), for 1, 2, 4 or 8 streams} */
    static Mixing kronecker() {
        return new Kronecker();
    }

    /** {@return every stream on its own way: read and written as in mHC, never mixed} */
    static Mixing identity() {
        return new Identity();
    }

    /** {@return plain hyper-connections whose weights are the same for every token} */
    static Mixing fixed() {
        return new Fixed();
    }

    /** {@return plain hyper-connections whose weights depend on the token, with the paper's small factor 0.01} */
    static Mixing dynamic() {
        return new Dynamic(0.01);
    }

    /** x + F(x), bit for bit; one stream, no parameters. */
    record Residual() implements Mixing {}

    /**
     * Manifold-constrained hyper-connections (mHC) in the released form: pre = σ(z)+ε, post = 2σ(z), comb = {@link Sinkhorn} of z,
     * with z = α·(φ·vec X)/rms(vec X) + b over all streams jointly.
     *
     * @param iterations iterations of Sinkhorn–Knopp
     * @param eps ε of the read weights and of Sinkhorn–Knopp; part of the model: at large logits another ε gives another matrix
     */
    record DoublyStochastic(int iterations, double eps) implements Mixing {
        /** Checks the numbers. */
        public DoublyStochastic {
            Check.positive("mixing: iterations", iterations);
            Sinkhorn.checkEps("mixing: eps", eps);
        }
    }

    /**
     * mHC in the paper's form: H_pre = σ(z), H_post = 2σ(z), H_res = exp(z) with columns and rows divided in turn by their sums, rows
     * last. Rows of φ and b for the mix are in the order of H_res, target by target: comb is its transpose. With those rows transposed,
     * the same as {@link DoublyStochastic} with ε = 0.
     *
     * @param iterations iterations of Sinkhorn–Knopp
     */
    record Paper(int iterations) implements Mixing {
        /** Checks the number. */
        public Paper {
            Check.positive("mixing: iterations", iterations);
        }
    }

    /**
     * mHC in the single-pass form (DeepSeek-V4.1): weights and parameters of {@link DoublyStochastic}, but a sub-layer reads by the pre
     * of the sub-layer before, so that its streams have to be passed over once; the first reads stream 0, and the last pre leads out of
     * the streams.
     *
     * @param iterations iterations of Sinkhorn–Knopp
     * @param eps ε of the read weights and of Sinkhorn–Knopp
     */
    record Lagged(int iterations, double eps) implements Mixing {
        /** Checks the numbers. */
        public Lagged {
            Check.positive("mixing: iterations", iterations);
            Sinkhorn.checkEps("mixing: eps", eps);
        }
    }

    /**
     * mHC-lite (arXiv 2601.05732): H_res = Σ_q a_q·P_q over all n! permutations in lexicographic order, a = softmax(z), where target r of
     * P_q takes source q(r). Exact, but n·n!·width parameters.
     */
    record Permutations() implements Mixing {
        /** Streams, beyond which n! rows of parameters are out of proportion: 720·6·width for 6. */
        static final int MOST = 5;
    }

    /**
     * KromHC (arXiv 2601.21579): H_res = U_1 ⊗ … ⊗ U_m for n = 2^m streams, U_i = [[p, 1−p], [1−p, p]] with p and 1−p a softmax of two
     * logits. Exact and cheap, but with m degrees of freedom: all such mixes are symmetric and commute.
     */
    record Kronecker() implements Mixing {}

    /** Hyper-connections with H_res = I: streams are read and written by weights of the token as in mHC's paper, and not mixed. */
    record Identity() implements Mixing {}

    /** Static hyper-connections (Zhu et al., 2024): learned, unconstrained weights that no token changes. */
    record Fixed() implements Mixing {}

    /**
     * Dynamic hyper-connections (Zhu et al., 2024): learned weights plus α·tanh(θ·x̃) of each normalised stream x̃, unconstrained.
     *
     * @param factor what α starts at
     */
    record Dynamic(double factor) implements Mixing {
        /** Checks the number. */
        public Dynamic {
            Check.notNegative("mixing: factor", factor);
        }
    }
}
