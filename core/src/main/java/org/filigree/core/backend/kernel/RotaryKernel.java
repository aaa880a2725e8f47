package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** Rotation of channel pairs by position-dependent angles. */
public interface RotaryKernel extends FusedKernel {
    /**
     * Rotates every pair (a, b) of the last axis to (a·cos − b·sin, a·sin + b·cos).
     *
     * @param pairing which channels form a pair
     * @param x [batch…, tokens, heads, width]
     * @param cos [tokens, width/2]
     * @param sin [tokens, width/2]
     * @return same shape as x
     */
    Tensor rotate(Pairing pairing, Tensor x, Tensor cos, Tensor sin);

    /** Which channels form a pair. */
    enum Pairing {
        /** (2i, 2i+1): the main attention of every DeepSeek model. */
        INTERLEAVED,
        /** (i, i+width/2): the indexer of V3.2. */
        HALF_SPLIT
    }
}
