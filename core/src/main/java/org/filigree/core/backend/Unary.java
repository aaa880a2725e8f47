package org.filigree.core.backend;

/** Functions of one real number. */
public enum Unary {
    /** −x. */
    NEGATE,
    /** eˣ. */
    EXP,
    /** Natural logarithm. */
    LOG,
    /** √x. */
    SQRT,
    /** 1/√x. */
    RSQRT,
    /** 1/x. */
    RECIPROCAL,
    /** x². */
    SQUARE,
    /** |x|. */
    ABS,
    /** −1, 0 or 1; gradient 0. */
    SIGN,
    /** 1/(1+e⁻ˣ). */
    SIGMOID,
    /** Hyperbolic tangent. */
    TANH,
    /** x·σ(x). */
    SILU,
    /** log(1+eˣ), equal to x above 20. */
    SOFTPLUS,
    /** max(x, 0); gradient 0 at 0. */
    RELU
}
