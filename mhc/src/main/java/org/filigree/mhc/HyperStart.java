package org.filigree.mhc;

import org.filigree.core.tensor.Check;

/** How the parameters of {@linkplain Mixing.DoublyStochastic mHC} and of the forms akin to it start. */
public sealed interface HyperStart {
    /** {@return near-identity mixing, with the paper's α = 0.01} */
    static HyperStart nearIdentity() {
        return new NearIdentity(0.01);
    }

    /**
     * Every stream keeps itself (off-diagonal 3.3e-4 at n = 4), all of them receive the sub-layer's output with weight 1, and each sub-layer
     * reads one stream more than the others, the next sub-layer the next stream. So the network starts as the plain residual network, and
     * streams that start equal drift apart. Draws nothing.
     *
     * <p>By form: mHC has logit 0 for a stream itself and −8 for others; mixtures of permutations 0 for the identity and −8 − ln (n−1)!
     * for the others, of which (n−1)! lead from a stream to a certain other; Kronecker factors 0 against −8. The lagged form reads one
     * sub-layer later, and favours streams accordingly. Plain hyper-connections do not heed this: they start as a pre-norm network exactly.
     *
     * @param scale what α starts at
     */
    record NearIdentity(double scale) implements HyperStart {
        /** Checks the number. */
        public NearIdentity {
            Check.notNegative("start: scale", scale);
        }
    }

    /**
     * Normal φ, base 0: weights ½ for reading, 1 for writing, 1/n for mixing. One sub-layer then averages all streams.
     *
     * @param deviation standard deviation of φ
     * @param scale what α starts at
     */
    record Uniform(double deviation, double scale) implements HyperStart {
        /** Checks the numbers. */
        public Uniform {
            Check.notNegative("start: deviation", deviation);
            Check.notNegative("start: scale", scale);
        }
    }
}
