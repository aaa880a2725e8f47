package org.filigree.core.io;

/** What becomes of a block's scale before it divides the block. */
public enum ScaleRounding {
    /** Left as it is: the first V3 and R1 releases ({@code scale_fmt} null). */
    NONE,
    /** Rounded up to a power of two, so that it fits E8M0 and division is exact: {@code ue8m0}, since V3.1. */
    CEIL_POWER_OF_TWO
}
