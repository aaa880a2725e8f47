package org.filigree.core.op;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Reordering of axes. */
public final class Permute {
    private Permute() {}

    /**
     * Axis i of the result is axis {@code order[i]} of x.
     *
     * @param x either type
     * @param order a permutation of the axes
     * @return the permuted tensor
     * @throws ShapeException if the order is no permutation of x's axes
     */
    public static Tensor permute(Tensor x, int... order) {
        int[] sorted = order.clone();
        Arrays.sort(sorted);
        boolean identity = true;
        for (int i = 0; i < order.length; i++) {
            if (sorted[i] != i) {
                throw new ShapeException(
                        "permute: " + Arrays.toString(order) + " is no permutation of the axes of " + x.shape());
            }
            identity &= order[i] == i;
        }
        if (order.length != x.shape().rank()) {
            throw new ShapeException(
                    "permute: " + x.shape() + " has rank " + x.shape().rank() + " but the order "
                            + Arrays.toString(order) + " names " + order.length + " axes");
        }
        if (identity) {
            return x;
        }
        Backend backend = Backend.of(x);
        return Autograd.record(
                "permute",
                List.of(x),
                backend.layout().permute(x, order),
                dy -> List.of(backend.layout().permute(dy, inverse(order))));
    }

    /**
     * Swaps two axes.
     *
     * @param x either type
     * @param first an axis, negative from the end
     * @param second another, negative from the end
     * @return the permuted tensor
     */
    public static Tensor transpose(Tensor x, int first, int second) {
        int[] order = new int[x.shape().rank()];
        Arrays.setAll(order, i -> i);
        int a = Check.axis("transpose", x, first);
        int b = Check.axis("transpose", x, second);
        order[a] = b;
        order[b] = a;
        return permute(x, order);
    }

    static int[] inverse(int[] order) {
        int[] inverse = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            inverse[order[i]] = i;
        }
        return inverse;
    }
}
