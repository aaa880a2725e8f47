package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Indexing;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** The largest elements along the last axis. */
public final class TopK {
    private TopK() {}

    /**
     * The k largest, largest first, ties to the lower index, NaN below everything.
     *
     * @param x [outer…, n]
     * @param k how many, 0…n
     * @return values, differentiable in x, and INT32 indices, both [outer…, k]
     * @throws ShapeException if k is more than n
     */
    public static Indexing.Largest topK(Tensor x, int k) {
        Check.dtype("topK", "x", x, DType.FLOAT32);
        Check.rankAtLeast("topK", "x", x, 1);
        if (k < 0 || k > x.dim(-1)) {
            throw new ShapeException(
                    "topK: k = " + k + " but the last axis of " + x.shape() + " has " + x.dim(-1) + " elements");
        }
        Indexing.Largest largest = Backend.of(x).indexing().topK(x, k);
        return Autograd.recording(List.of(x))
                ? new Indexing.Largest(Gather.gatherLast(x, largest.indices()), largest.indices())
                : largest;
    }
}
