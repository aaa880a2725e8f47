package org.filigree.attention;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/** Chooses the keys that every query attends to. No gradient flows through the choice. */
@FunctionalInterface
public interface Selector {
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

    /**
     * A choice by position alone, for which a layer makes no scorer: the keys of the query's own block of 64, say.
     *
     * {@snippet :
     * Selector ownBlock = Selector.byPosition(
     *         visible -> IntStream.range((visible - 1) / 64 * 64, visible).toArray());
     * }
     *
     * <p>A cache must keep all tokens: what a ring has forgotten would change the numbers of the rest. For rings there is {@link #byDistance}.
     *
     * @param keys from the number of keys that a query sees, the first ones of its sequence, to those that it gets, −1 for none; of compressed
     *     entries the first queries see 0
     * @return the selector
     */
    static Selector byPosition(IntFunction<int[]> keys) {
        return new ByPosition(Integer.MAX_VALUE, Objects.requireNonNull(keys, "selector by position: no rule"));
    }

    /**
     * A choice by distance alone, for which a layer makes no scorer, and which means the same over a cache that forgets what lies further back:
     * every 16th of the last 256 keys is {@code byDistance(256, back -> back % 16 == 0)}.
     *
     * @param reach how many of the last keys that a query sees may be chosen
     * @param chosen whether the key so far back is chosen, 0 being the newest that a query sees; asked here, once for each distance
     * @return the selector
     */
    static Selector byDistance(int reach, IntPredicate chosen) {
        Check.positive("selector by distance: reach", reach);
        int[] distances = IntStream.range(0, reach)
                .filter(Objects.requireNonNull(chosen, "selector by distance: no rule"))
                .toArray();
        return new ByPosition(
                reach,
                visible -> Arrays.stream(distances)
                        .takeWhile(back -> back < visible)
                        .map(back -> visible - 1 - back)
                        .toArray());
    }
}
