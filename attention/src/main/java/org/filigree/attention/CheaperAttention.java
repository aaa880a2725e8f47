package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Tensor;

/** Sparse attention that gathers where few keys are chosen, and masks where a good part of them is. */
record CheaperAttention() implements SparseAttention {
    /**
     * How many keys of a dense product take as long as one gathered key. Measured as compositions on the vector backend, forward and
     * backward, 256 and 512 queries, a quarter of the keys chosen: gathering took 2.4 and 1.9 times as long as masking.
     */
    private static final int COMPOSED_COST = 8;

    /**
     * The same with a {@linkplain SparseAttentionKernel kernel}, for one head: its heads lie along lanes, and half of them filled is as
     * fast as a dense product with its mask. Measured with 8 heads, all of 256 keys chosen: twice as long.
     */
    private static final int FUSED_COST = 16;

    /** How many keys of a dense product take as long as one gathered key of so many heads. */
    static int gatheredKeyCost(Backend backend, int heads) {
        return backend.kernel(SparseAttentionKernel.class).isPresent()
                ? Math.max(1, FUSED_COST / heads)
                : COMPOSED_COST;
    }

    @Override
    public Attended attend(AttentionInput input) {
        Tensor q = input.queries();
        long cost = gatheredKeyCost(Backend.of(q), q.dim(2));
        boolean few =
                cost == 1 || cost * input.indices().dim(2) < input.keyValues().dim(1);
        return (few ? new GatheredAttention() : new MaskedAttention()).attend(input);
    }
}
