package org.filigree.v4;

import org.filigree.core.tensor.Check;

/**
 * Sizes of a mixture of experts.
 *
 * @param routed experts to choose from
 * @param chosen experts that a token is sent to
 * @param shared experts that every token is sent to
 * @param hidden width inside an expert
 */
public record ExpertSizes(int routed, int chosen, int shared, int hidden) {
    /** Checks the sizes. */
    public ExpertSizes {
        Check.positive("experts: routed", routed);
        Check.between("experts: chosen", chosen, 1, routed);
        Check.notNegative("experts: shared", shared);
        Check.positive("experts: hidden", hidden);
    }
}
