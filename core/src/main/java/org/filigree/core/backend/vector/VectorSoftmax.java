package org.filigree.core.backend.vector;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.kernel.SoftmaxKernel;
import org.filigree.core.backend.simd.Exponential;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.tensor.Tensor;

/**
 * Softmax a row at a time: maximum, exponentials with their sum, scaling; the row stays in the first-level cache meanwhile.
 *
 * @param backend whose tensors they are
 */
record VectorSoftmax(HostBackend backend) implements SoftmaxKernel {
    @Override
    public Tensor softmax(Tensor x) {
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(x.shape());
        int n = x.dim(-1);
        rows(out.length, n, (from, to) -> {
            for (int row = from; row < to; row++) {
                forward(in, out, row * n, n);
            }
        });
        return HostFloats.tensor(backend, x.shape(), out);
    }

    @Override
    public Tensor gradient(Tensor y, Tensor dy) {
        float[] result = HostFloats.of(y);
        float[] upstream = HostFloats.of(dy);
        float[] out = HostFloats.allocate(y.shape());
        int n = y.dim(-1);
        rows(out.length, n, (from, to) -> {
            for (int row = from; row < to; row++) {
                backward(result, upstream, out, row * n, n);
            }
        });
        return HostFloats.tensor(backend, y.shape(), out);
    }

    private void rows(int length, int n, Workers.RangeTask task) {
        if (length > 0) {
            backend.workers().parallelRanges(length / n, Math.max(1, VectorElementwise.CHUNK / n), task);
        }
    }

    private static void forward(float[] x, float[] y, int start, int n) {
        float peak = VectorReductions.maxRow(x, start, n);
        float shift = Math.clamp(peak, -Float.MAX_VALUE, Float.MAX_VALUE);
        float sum = Exponential.ofDifference(x, start, Float.isNaN(peak) ? Float.NaN : shift, y, start, n);
        scale(y, 1f / Math.max(sum, Float.MIN_NORMAL), start, start + n);
    }

    static void scale(float[] y, float factor, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] *= factor;
        }
    }

    private static void backward(float[] y, float[] dy, float[] dx, int start, int n) {
        FloatVector dot = FloatVector.zero(F);
        FloatVector dot1 = dot;
        int end = start + n;
        int i = start;
        for (; i + 2 * LANES <= end; i += 2 * LANES) {
            dot = FloatVector.fromArray(F, y, i).fma(FloatVector.fromArray(F, dy, i), dot);
            dot1 = FloatVector.fromArray(F, y, i + LANES).fma(FloatVector.fromArray(F, dy, i + LANES), dot1);
        }
        for (; i + LANES <= end; i += LANES) {
            dot = FloatVector.fromArray(F, y, i).fma(FloatVector.fromArray(F, dy, i), dot);
        }
        if (i < end) {
            VectorMask<Float> rest = F.indexInRange(i, end);
            dot = FloatVector.fromArray(F, y, i, rest).fma(FloatVector.fromArray(F, dy, i, rest), dot);
        }
        spread(y, dy, VectorMath.sum(dot.add(dot1)), dx, start, end);
    }

    private static void spread(float[] y, float[] dy, float inner, float[] dx, int from, int to) {
        for (int i = from; i < to; i++) {
            dx[i] = y[i] * (dy[i] - inner);
        }
    }
}
