package org.filigree.core.autograd;

import java.util.List;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The backward pass of one recorded operation. */
@FunctionalInterface
public interface Backward {
    /**
     * Turns gradients of the operation's outputs into gradients of its inputs. Runs outside recording, on plain tensors.
     *
     * @param upstream one entry an output; null where nothing depends on that output
     * @return one entry an input, in the order of recording; null where an input has no gradient
     */
    List<? extends @Nullable Tensor> gradients(List<? extends @Nullable Tensor> upstream);

    /** The backward pass of an operation with a single output, whose gradient is therefore always there. */
    @FunctionalInterface
    interface Single {
        /**
         * Turns the gradient of the output into gradients of the inputs.
         *
         * @param upstream gradient of the output
         * @return one entry an input; null where an input has no gradient
         */
        List<? extends @Nullable Tensor> gradients(Tensor upstream);
    }
}
