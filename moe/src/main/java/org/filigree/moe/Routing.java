package org.filigree.moe;

import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/**
 * Which experts serve which token, and how much each counts.
 *
 * @param experts INT32 [tokens, k], distinct within a token, best first; −1 for none
 * @param weights [tokens, k], differentiable; 0 where there is no expert
 * @param scores [tokens, experts], differentiable, before any bias; what balance losses need
 */
public record Routing(Tensor experts, Tensor weights, Tensor scores) {
    /** Checks types and shapes. */
    public Routing {
        Check.dtype("routing", "experts", experts, DType.INT32);
        Check.rank("routing", "experts", experts, 2);
        Check.shape("routing", "weights", weights, experts.dim(0), experts.dim(1));
        Check.rank("routing", "scores", scores, 2);
        Check.shape("routing", "scores", scores, experts.dim(0), scores.dim(1));
    }
}
