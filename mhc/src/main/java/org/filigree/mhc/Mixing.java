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
            Check.notNegative("mixing: eps", eps);
        }
    }

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
