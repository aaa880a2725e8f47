package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** Cross entropy of rows of logits against target classes, without a stored softmax. */
public interface CrossEntropyKernel extends FusedKernel {
    /**
     * loss = logsumexp(row) − row[target].
     *
     * @param logits [n, classes]
     * @param targets INT32 [n]; each −1 or a class; −1 skips the row, whose loss is 0
     * @return losses and what the gradient needs
     */
    Saved forward(Tensor logits, Tensor targets);

    /**
     * d logits = d loss · (softmax(row) − onehot(target)), 0 for skipped rows.
     *
     * @param logits [n, classes]
     * @param targets INT32 [n]
     * @param logSumExp of the forward pass, [n]
     * @param dLosses gradient of the losses, [n]
     * @return gradient of the logits
     */
    Tensor gradient(Tensor logits, Tensor targets, Tensor logSumExp, Tensor dLosses);

    /**
     * What the forward pass gives.
     *
     * @param losses [n]
     * @param logSumExp [n]
     */
    record Saved(Tensor losses, Tensor logSumExp) {}
}
