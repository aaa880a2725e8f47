package org.filigree.attention;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntFunction;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Chooses by a rule that knows positions alone; a query that gets fewer keys than another gets −1 for the rest. */
record ByPosition(int reach, IntFunction<int[]> keys) implements Selector {
    @Override
    public Tensor select(Tensor scores, Visibility visibility) {
        int batch = scores.dim(0);
        int tokens = scores.dim(1);
        int[][] rows = new int[tokens][];
        int most = 0;
        for (int t = 0; t < tokens; t++) {
            rows[t] = keysOf(visibility.keys(t));
            most = Math.max(most, rows[t].length);
        }
        int[] indices = new int[Math.multiplyExact(Math.multiplyExact(batch, tokens), most)];
        Arrays.fill(indices, -1);
        for (int row = 0; row < batch * tokens; row++) {
            int[] chosen = rows[row % tokens];
            System.arraycopy(chosen, 0, indices, row * most, chosen.length);
        }
        return Backend.of(scores).tensors().ints(Shape.of(batch, tokens, most), indices);
    }

    private int[] keysOf(int visible) {
        return Objects.requireNonNull(
                keys.apply(visible),
                () -> "selector by position: the rule gave null to a query that sees " + visible
                        + " keys; give an empty array for none");
    }

    @Override
    public boolean scored() {
        return false;
    }

    @Override
    public String toString() {
        return reach == Integer.MAX_VALUE
                ? "a selector by position"
                : "a selector by distance among the last " + reach + " keys";
    }
}
