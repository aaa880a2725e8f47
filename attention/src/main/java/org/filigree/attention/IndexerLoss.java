package org.filigree.attention;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Clamp.clamp;
import static org.filigree.core.op.LogSumExp.logSumExp;
import static org.filigree.core.op.Pointwise.log;
import static org.filigree.core.op.Reduce.mean;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Softmax.softmax;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * What an indexer learns from (DeepSeek-V3.2): KL(target ‖ softmax(scores)) over the keys that a selector keeps, mean over batch and
 * tokens. The target is the attention's own distribution over the same keys, summed over heads and normalised to 1; it gets no
 * gradient.
 *
 * @param selector which keys take part
 */
public record IndexerLoss(Selector selector) {
    /** Stands for log 0, and for the log-sum-exp of no keys, wherever a factor 0 follows. */
    private static final double TINY = 1e-30;

    /** {@return the loss of the warm-up stage, over all visible keys} */
    public static IndexerLoss dense() {
        return new IndexerLoss(new All());
    }

    /**
     * The loss of the sparse stage, over the keys of largest score.
     *
     * @param k how many keys
     * @return the loss
     */
    public static IndexerLoss sparse(int k) {
        return new IndexerLoss(TopK.of(k));
    }

    /**
     * The loss of what a {@link ScoreListener} heard.
     *
     * @param heard scores and logits
     * @return a scalar
     */
    public Tensor of(ScoreListener.Heard heard) {
        return of(heard.attentionLogits(), heard.scores(), heard.visibility());
    }

    /**
     * The loss; queries are the last of the keys and see nothing behind them.
     *
     * @param attentionLogits [batch, tokens, heads, keys], of visible and invisible keys
     * @param scores [batch, tokens, keys], of visible and invisible keys, all finite
     * @return a scalar, differentiable in the scores
     */
    public Tensor of(Tensor attentionLogits, Tensor scores) {
        Check.rank("indexer loss", "attention logits", attentionLogits, 4);
        return of(attentionLogits, scores, Visibility.causal(attentionLogits.dim(1), attentionLogits.dim(3)));
    }

    /**
     * The loss for any visibility, such as that of compressed entries.
     *
     * @param attentionLogits [batch, tokens, heads, keys], of visible and invisible keys
     * @param scores [batch, tokens, keys], of visible and invisible keys, all finite
     * @param visibility which keys each query sees
     * @return a scalar, differentiable in the scores
     */
    public Tensor of(Tensor attentionLogits, Tensor scores, Visibility visibility) {
        Check.rank("indexer loss", "attention logits", attentionLogits, 4);
        int tokens = attentionLogits.dim(1);
        int heads = attentionLogits.dim(2);
        int keys = attentionLogits.dim(3);
        Check.shape("indexer loss", "scores", scores, attentionLogits.dim(0), tokens, keys);
        Tensor chosen = selector.select(Autograd.detach(scores), visibility);
        Tensor bias = LogitBias.of(chosen, keys);
        Tensor target = Autograd.withoutGradients(() ->
                scale(sum(softmax(add(Autograd.detach(attentionLogits), insertAxis(bias, 2))), 2), 1.0 / heads));
        Tensor total = clamp(logSumExp(add(scores, bias)), -1 / TINY, Double.POSITIVE_INFINITY);
        Tensor logPredicted = subtract(scores, insertAxis(total, -1));
        Tensor logTarget = log(clamp(target, TINY, Double.POSITIVE_INFINITY));
        return mean(sum(multiply(target, subtract(logTarget, logPredicted)), -1));
    }
}
