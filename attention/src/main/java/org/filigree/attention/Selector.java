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

    /**
     * How far back a choice can fall. A layer refuses a cache that forgets keys within that reach, since the result would then depend on how
     * the sequence was divided into passes.
     *
     * @return how many of the last keys that a query sees it chooses from; any number unless a selector says less
     */
    default int reach() {
        return Integer.MAX_VALUE;
    }

    /** {@return whether the choice depends on scores; if not, a layer needs no scorer} */
    default boolean scored() {
        return true;
    }
}
