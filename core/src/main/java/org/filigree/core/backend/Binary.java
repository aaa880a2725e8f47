package org.filigree.core.backend;

/** Functions of two real numbers. */
public enum Binary {
    /** a + b. */
    ADD,
    /** a − b. */
    SUBTRACT,
    /** a·b. */
    MULTIPLY,
    /** a/b. */
    DIVIDE,
    /** The larger; NaN if either is. */
    MAXIMUM,
    /** The smaller; NaN if either is. */
    MINIMUM,
    /** 1 where a &gt; b, else 0; no gradient. */
    GREATER,
    /** |a| with the sign of b, that of a zero included; no gradient through b. */
    COPY_SIGN
}
