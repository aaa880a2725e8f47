package org.filigree.core.testkit;

import java.util.List;
import org.filigree.core.tensor.Tensor;

/** A function of several tensors with several results, written over operations, so that it runs on every backend. */
@FunctionalInterface
public interface TensorFunction {
    /**
     * Evaluates the function.
     *
     * @param inputs operands, all on one backend
     * @return results on the same backend
     */
    List<Tensor> apply(List<Tensor> inputs);

    /** A function with one result. */
    @FunctionalInterface
    interface Single {
        /**
         * Evaluates the function.
         *
         * @param inputs operands, all on one backend
         * @return the result
         */
        Tensor apply(List<Tensor> inputs);
    }

    /**
     * A function with one result as one with several.
     *
     * @param function of several tensors
     * @return the same with a list of one
     */
    static TensorFunction of(Single function) {
        return inputs -> List.of(function.apply(inputs));
    }
}
