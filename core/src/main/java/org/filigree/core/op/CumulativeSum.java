package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Reductions.Direction;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Running sums. */
public final class CumulativeSum {
    private CumulativeSum() {}

    /**
     * y[i] = Σ_{j ≤ i} x[j] along an axis.
     *
     * @param x any shape of rank 1 or more
     * @param axis which axis, negative from the end
     * @return same shape
     */
    public static Tensor cumulativeSum(Tensor x, int axis) {
        Check.dtype("cumulativeSum", "x", x, DType.FLOAT32);
        int along = Check.axis("cumulativeSum", x, axis);
        Backend backend = Backend.of(x);
        return Autograd.record(
                "cumulativeSum",
                List.of(x),
                backend.reductions().cumulativeSum(x, along, Direction.FORWARD),
                dy -> List.of(backend.reductions().cumulativeSum(dy, along, Direction.BACKWARD)));
    }
}
