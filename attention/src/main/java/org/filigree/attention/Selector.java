package org.filigree.attention;

import java.util.function.IntFunction;
import org.filigree.core.tensor.Tensor;

/** Chooses the keys that every query attends to. No gradient flows through the choice. */
@FunctionalInterface
public interface Selector {
    /**
     * A choice by position alone, for which a layer makes no scorer. Every 64th key back from the newest:
     *
     * {@snippet :
     * Selector strided = Selector.byPosition(visible -> IntStream.iterate(visible - 1, key -> key >= 0, key -> key - 64).toArray());
     * }
     *
     * @param keys from the number of keys that a query sees, the first ones of its sequence, to those that it gets
     * @return the selector
     */
    static Selector byPosition(IntFunction<int[]> keys) {
        return byPosition(Integer.MAX_VALUE, keys);
    }

    /**
     * A choice by position alone among the last keys that a query sees, which goes with caches that forget.
     *
     * @param reach how many of the last keys
     * @param keys from the number of keys that a query sees, the first ones of its sequence, to those that it gets
     * @return the selector
     */
    static Selector byPosition(int reach, IntFunction<int[]> keys) {
        return new ByPosition(reach, keys);
    }

    /**
     * Chooses keys. Every query's choice must follow from its own scores and what it sees: layers ask for some queries of a pass after the
     * others.
     *
     * @param scores FLOAT32 [batch, tokens, keys]; scores of keys that are out of sight mean nothing, nor do any where the selector is not
     *     {@linkplain #scored scored}
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

    /** {@return whether the choice depends on scores; if not, a layer needs no scorer and asks none} */
    default boolean scored() {
        return true;
    }
}
