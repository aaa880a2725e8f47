package org.filigree.core.op;

import static org.filigree.core.op.Arithmetic.divide;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Select.select;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.CrossEntropyKernel;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Cross entropy of logits against target classes: −log softmax(logits)[target], in nats. */
public final class CrossEntropy {
    private CrossEntropy() {}

    /**
     * The mean over the rows that have a target.
     *
     * @param logits [n, classes]
     * @param targets INT32 [n]; −1 for rows that do not count
     * @return a scalar, 0 if no row counts
     */
    public static Tensor crossEntropy(Tensor logits, Tensor targets) {
        Tensor losses = losses(logits, targets);
        Tensor count = Reduce.sum(counted(logits, targets));
        return divide(Reduce.sum(losses), Clamp.clamp(count, 1, Double.POSITIVE_INFINITY));
    }

    /**
     * The loss of every row.
     *
     * @param logits [n, classes]
     * @param targets INT32 [n], −1 or a class; −1 gives loss 0 and no gradient, whatever the logits
     * @return [n]
     * @throws IndexOutOfBoundsException if a target is neither
     */
    public static Tensor losses(Tensor logits, Tensor targets) {
        Check.rank("crossEntropy", "logits", logits, 2);
        Check.dtype("crossEntropy", "logits", logits, DType.FLOAT32);
        Check.dtype("crossEntropy", "targets", targets, DType.INT32);
        Check.shape("crossEntropy", "targets", targets, logits.dim(0));
        Backend backend = Backend.common("crossEntropy", logits, targets);
        inRange(targets.toInts(), logits.dim(1));
        return backend.kernel(CrossEntropyKernel.class)
                .map(kernel -> fused(kernel, logits, targets))
                .orElseGet(() -> composed(logits, targets));
    }

    private static void inRange(int[] targets, int classes) {
        for (int row = 0; row < targets.length; row++) {
            if (targets[row] < -1 || targets[row] >= classes) {
                throw new IndexOutOfBoundsException("crossEntropy: target " + targets[row] + " of row " + row
                        + " is outside [0, " + classes + ") and not -1 (none)");
            }
        }
    }

    private static Tensor fused(CrossEntropyKernel kernel, Tensor logits, Tensor targets) {
        CrossEntropyKernel.Saved saved = kernel.forward(logits, targets);
        return Autograd.record(
                "crossEntropy",
                List.of(logits),
                saved.losses(),
                dy -> List.of(kernel.gradient(logits, targets, saved.logSumExp(), dy)));
    }

    static Tensor composed(Tensor logits, Tensor targets) {
        int n = logits.dim(0);
        Tensor counted = counted(logits, targets);
        Tensor zero = Backend.of(logits).tensors().zeros(Shape.of(1));
        // A factor of 0 would not do: 0·∞ and 0·NaN are NaN, in the losses as in their gradients.
        Tensor rows = select(reshape(counted, n, 1), logits, zero);
        Tensor chosen = Gather.gatherLast(rows, reshape(targets, n, 1));
        return select(counted, subtract(LogSumExp.logSumExp(rows), reshape(chosen, n)), zero);
    }

    /** 1 for rows with a target, 0 for rows with −1, which gathers zeros. */
    private static Tensor counted(Tensor logits, Tensor targets) {
        Tensor ones = Backend.of(logits).tensors().full(Shape.of(logits.dim(1)), 1);
        return Gather.gather(ones, targets);
    }
}
