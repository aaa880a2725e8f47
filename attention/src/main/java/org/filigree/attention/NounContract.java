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
        return shaped(keys, scorer, "keys", "[batch, tokens, key width]", batch, tokens, scorer.keyWidth());
    }

    /** Scores of all keys. */
    static Tensor scores(@Nullable Tensor scores, Scorer scorer, int batch, int tokens, int keys) {
        return shaped(scores, scorer, "scores", "[batch, tokens, keys]", batch, tokens, keys);
    }

    private static Tensor shaped(@Nullable Tensor x, Scorer scorer, String what, String meaning, int... dims) {
        if (x == null || x.dtype() != DType.FLOAT32 || !x.shape().equals(Shape.of(dims))) {
            throw new ShapeException("latent attention: " + what + " of the scorer " + scorer + " must be FLOAT32 "
                    + Shape.of(dims) + ", " + meaning + ", but are " + given(x));
        }
        return x;
    }

    /** Keys that a selector chose: visible ones, or −1. */
    static Tensor chosen(@Nullable Tensor chosen, Selector selector, int batch, int tokens, Visibility visibility) {
        if (chosen == null
                || chosen.dtype() != DType.INT32
                || chosen.shape().rank() != 3
                || chosen.dim(0) != batch
                || chosen.dim(1) != tokens) {
            throw new ShapeException("latent attention: the choice of the selector " + selector + " must be INT32 ["
                    + batch + ", " + tokens + ", chosen], [batch, tokens, chosen], but is " + given(chosen));
        }
        int[] keys = chosen.toInts();
        int each = chosen.dim(2);
        for (int i = 0; i < keys.length; i++) {
            int token = i / each % tokens;
            if (keys[i] >= visibility.keys(token)) {
                throw new IllegalArgumentException("latent attention: the selector " + selector + " chose key "
                        + keys[i] + " for token " + token + " of the pass, which sees the first "
                        + visibility.keys(token) + " keys alone; choose below visibility.keys(token), or -1 for none");
            }
        }
        return chosen;
    }

    private static String given(@Nullable Tensor x) {
        return x == null ? "null" : x.dtype() + " " + x.shape();
    }
}
