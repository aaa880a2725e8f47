package org.filigree.attention;

import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What scorers and selectors, users' own among them, must give. Unchecked, a key of the future would leak into a model's loss, and scores of
 * another shape would choose other keys, both without a word.
 */
final class NounContract {
    private NounContract() {}

    /** Keys of a scorer for the tokens of a pass. */
    static Tensor keys(@Nullable Tensor keys, Scorer scorer, int batch, int tokens) {
        return shaped(
                keys,
                "keys of the scorer " + scorer,
                "[batch, tokens, key width]",
                Shape.of(batch, tokens, scorer.keyWidth()));
    }

    /** Scores that some tokens give all keys. */
    static Tensor scores(@Nullable Tensor scores, Scorer scorer, ScorerInput asking, int keys) {
        Shape shape = Shape.of(asking.x().dim(0), asking.x().dim(1), keys);
        return shaped(scores, "scores of the scorer " + scorer, "[batch, tokens, keys]", shape);
    }

    /** Scores that a selector is to choose by. */
    static Tensor scores(@Nullable Tensor scores, Selector selector, Shape shape) {
        return shaped(scores, "scores for the selector " + selector, "[batch, tokens, keys]", shape);
    }

    private static Tensor shaped(@Nullable Tensor x, String what, String meaning, Shape shape) {
        if (x == null || x.dtype() != DType.FLOAT32 || !x.shape().equals(shape)) {
            throw new ShapeException(
                    "attention: " + what + " must be FLOAT32 " + shape + ", " + meaning + ", but are " + given(x));
        }
        return x;
    }

    /** Keys that a selector chose for queries from…to of a pass: visible ones, or −1. */
    static Tensor chosen(
            @Nullable Tensor chosen, Selector selector, int batch, int from, int to, Visibility visibility) {
        int tokens = to - from;
        if (chosen == null
                || chosen.dtype() != DType.INT32
                || chosen.shape().rank() != 3
                || chosen.dim(0) != batch
                || chosen.dim(1) != tokens) {
            throw new ShapeException("attention: the choice of the selector " + selector + " must be INT32 [" + batch
                    + ", " + tokens + ", chosen], [batch, tokens, chosen], but is " + given(chosen));
        }
        int[] keys = chosen.toInts();
        int each = chosen.dim(2);
        for (int i = 0; i < keys.length; i++) {
            int token = from + i / each % tokens;
            if (keys[i] < -1 || keys[i] >= visibility.keys(token)) {
                throw new IllegalArgumentException("attention: the selector " + selector + " chose key "
                        + keys[i] + " for token " + token + " of the pass, which sees the first "
                        + visibility.keys(token)
                        + " keys alone; choose 0 to visibility.keys(token) - 1, or -1 for none");
            }
        }
        return chosen;
    }

    private static String given(@Nullable Tensor x) {
        return x == null ? "null" : x.dtype() + " " + x.shape();
    }
}
