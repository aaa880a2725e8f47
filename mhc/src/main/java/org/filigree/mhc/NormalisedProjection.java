package org.filigree.mhc;

import static org.filigree.core.op.Affine.shift;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.rsqrt;
import static org.filigree.core.op.Pointwise.square;
import static org.filigree.core.op.Reduce.mean;
import static org.filigree.core.op.Reshape.flatten;
import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.core.tensor.Tensor;

/** φ·v/rms(v) with v all streams of a token in one row, stream-major: one norm over all of them, applied after the projection. */
final class NormalisedProjection {
    private NormalisedProjection() {}

    /** From streams [outer…, n, width] and φ [rows, n·width] to [outer…, rows]. */
    static Tensor of(Tensor streams, Tensor fn, double normEps) {
        Tensor v = flatten(streams, -2, -1);
        Tensor inverseRms = rsqrt(shift(mean(square(v), -1), normEps));
        return multiply(matmulTransposed(v, fn), insertAxis(inverseRms, -1));
    }
}
