package org.filigree.core.optim;

import java.util.Map;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.tensor.Tensor;

/** Updates parameters along their gradients. Holds the state of the parameters it was made for; not thread-safe. */
public interface Optimizer {
    /**
     * Makes one step. Parameters that the loss does not depend on stay as they are, and so does their state.
     *
     * @param gradients of the loss
     * @param rate learning rate of this step
     */
    void step(Gradients gradients, double rate);

    /** {@return everything that must be stored to continue bitwise, by name; the tensors themselves, not copies} */
    Map<String, Tensor> state();

    /**
     * Takes stored state back.
     *
     * @param state as {@link #state} gave it, on the same backend
     * @throws IllegalArgumentException if a name is missing or unknown, or a shape differs
     */
    void restore(Map<String, Tensor> state);
}
