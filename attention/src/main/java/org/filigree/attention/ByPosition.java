package org.filigree.attention;

import java.util.Arrays;
import java.util.function.IntFunction;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Chooses by a rule that knows positions alone; a query that gets fewer keys than another gets −1 for the rest. */
record ByPosition(int reach, IntFunction<int[]> keys) implements Selector {
    ByPosition {
        Check.positive("selector by position: reach", reach);
    }

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
        int[] chosen = keys.apply(visible);
        int oldest = visible - Math.min(visible, reach);
        for (int key : chosen) {
            if (key >= visible || (key < oldest && key != -1)) {
                throw new IllegalArgumentException("selector by position: the rule gave key " + key
                        + " to a query that chooses among keys " + oldest + " to " + (visible - 1)
                        + "; give keys of that range, -1 for none, or a greater reach than " + reach);
            }
        }
        return chosen;
    }

    @Override
    public boolean scored() {
        return false;
    }

    @Override
    public String toString() {
        return "a selector by position" + (reach == Integer.MAX_VALUE ? "" : " among the last " + reach + " keys");
    }
}
