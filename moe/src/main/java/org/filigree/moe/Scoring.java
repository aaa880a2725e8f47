package org.filigree.moe;

import static org.filigree.core.op.Pointwise.sigmoid;
import static org.filigree.core.op.Softmax.softmax;

import org.filigree.core.tensor.Tensor;

/** How a router's logits become scores, which are positive. */
public enum Scoring {
    /** exp(z)/Σ exp(z) over experts: Switch, Mixtral, DeepSeek-V2. */
    SOFTMAX {
        @Override
        public Tensor scores(Tensor logits) {
            return softmax(logits);
        }
    },
    /** σ(z): DeepSeek-V3. */
    SIGMOID {
        @Override
        public Tensor scores(Tensor logits) {
            return sigmoid(logits);
        }
    },
    /** √log(1+eᶻ): DeepSeek-V4. Value and gradient are finite for every finite logit. */
    SQRT_SOFTPLUS {
        @Override
        public Tensor scores(Tensor logits) {
            return SqrtSoftplus.sqrtSoftplus(logits);
        }
    };

    /**
     * Scores every expert.
     *
     * @param logits z [tokens, experts]
     * @return [tokens, experts]
     */
    public abstract Tensor scores(Tensor logits);
}
