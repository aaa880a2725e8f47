package org.filigree.core.backend.scalar;

import org.filigree.core.backend.Reductions;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Sums and maxima in index order; sums are accumulated in double.
 *
 * @param backend whose tensors they are
 */
public record ScalarReductions(HostBackend backend) implements Reductions {
    @Override
    public Tensor sum(Tensor x, int axis) {
        Shape shape = x.shape().without(axis);
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(shape);
        int inner = (int) x.shape().count(axis + 1, x.shape().rank());
        int n = x.dim(axis);
        for (int i = 0; i < out.length; i++) {
            int start = i / inner * n * inner + i % inner;
            double sum = 0;
            for (int j = 0; j < n; j++) {
                sum += in[start + j * inner];
            }
            out[i] = (float) sum;
        }
        return HostFloats.tensor(backend, shape, out);
    }

    @Override
    public Tensor max(Tensor x, int axis) {
        Shape shape = x.shape().without(axis);
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(shape);
        int inner = (int) x.shape().count(axis + 1, x.shape().rank());
        int n = x.dim(axis);
        for (int i = 0; i < out.length; i++) {
            int start = i / inner * n * inner + i % inner;
            float max = Float.NEGATIVE_INFINITY;
            for (int j = 0; j < n; j++) {
                max = Math.max(max, in[start + j * inner]);
            }
            out[i] = max;
        }
        return HostFloats.tensor(backend, shape, out);
    }

    @Override
    public Tensor cumulativeSum(Tensor x, int axis, Direction direction) {
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(x.shape());
        int inner = (int) x.shape().count(axis + 1, x.shape().rank());
        int n = x.dim(axis);
        int lines = n == 0 ? 0 : out.length / n;
        for (int i = 0; i < lines; i++) {
            int start = i / inner * n * inner + i % inner;
            double sum = 0;
            for (int j = 0; j < n; j++) {
                int at = start + (direction == Direction.FORWARD ? j : n - 1 - j) * inner;
                sum += in[at];
                out[at] = (float) sum;
            }
        }
        return HostFloats.tensor(backend, x.shape(), out);
    }
}
