package org.filigree.engram;

/** Which sign a score of exactly zero has in the gate, {@code σ(sign(s)·√max(|s|, 10⁻⁶))}. */
public enum GateZero {
    /** None: the gate is ½. The form of the demonstration programme. */
    SIGN,
    /** That of the floating-point zero: the gate is σ(±0.001). The form of DeepSeek-V4.1. */
    COPY_SIGN
}
