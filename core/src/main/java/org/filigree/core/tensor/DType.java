package org.filigree.core.tensor;

/**
 * What the elements of a tensor are. How wide a backend computes is its own affair: {@link #FLOAT32} tensors are float32 on
 * {@code scalar} and {@code vector} and float64 on {@code ojalgo}. Formats in which numbers are only stored (bf16, FP8, …) belong
 * to {@code org.filigree.core.io}; they widen at the edge.
 */
public enum DType {
    /** Real numbers, differentiable. */
    FLOAT32,
    /** Signed 32-bit integers: token ids, row numbers, expert numbers; −1 means "none" where an operation says so. */
    INT32
}
