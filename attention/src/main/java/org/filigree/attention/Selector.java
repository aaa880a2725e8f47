package org.filigree.attention;

import org.filigree.core.tensor.Tensor;

/** Chooses the keys that every query attends to. No gradient flows through the choice. */
@FunctionalInterface
public interface Selector {
    /**
     * Chooses keys.
     *
     * @param scores FLOAT32 [batch, tokens, keys]; scores of keys that are out of sight mean nothing
     * @param visibility which keys each query may choose from
     * @return INT32 [batch, tokens, chosen]: visible keys, −1 for none; a key named twice counts twice
     */
    Tensor select(Tensor scores, Visibility visibility);

    /** {@return whether the choice depends on scores; if not, a layer needs no scorer} */
    default boolean scored() {
        return true;
    }
}
