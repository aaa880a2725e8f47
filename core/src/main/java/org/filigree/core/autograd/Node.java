package org.filigree.core.autograd;

import java.util.List;
import org.filigree.core.tensor.Lineage;
import org.filigree.core.tensor.Tensor;

/** How a differentiable tensor came to be. */
sealed interface Node extends Lineage {
    /** A tensor whose gradient is wanted: a parameter, or an input under study. */
    final class Leaf implements Node {}

    /**
     * One output of a recorded operation.
     *
     * @param call the operation
     * @param index which of its outputs
     */
    record Output(Call call, int index) implements Node {}

    /** A recorded operation; compared by identity. */
    final class Call {
        final String operation;
        final List<Tensor> inputs;
        final Backward backward;
        final int outputs;

        Call(String operation, List<Tensor> inputs, int outputs, Backward backward) {
            this.operation = operation;
            this.inputs = inputs;
            this.outputs = outputs;
            this.backward = backward;
        }
    }
}
