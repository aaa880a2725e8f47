package org.filigree.core.backend.vector;

import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.backend.kernel.CrossEntropyKernel;
import org.filigree.core.backend.simd.Exponential;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Cross entropy a row at a time; the softmax is never stored but made again for the gradient.
 *
 * @param backend whose tensors they are
 */
record VectorCrossEntropy(HostBackend backend) implements CrossEntropyKernel {
    /** Exponentials at a time, which only their sum outlives. */
    private static final int BLOCK = 1024;

    @Override
    public Saved forward(Tensor logits, Tensor targets) {
        float[] in = HostFloats.of(logits);
        int[] target = HostInts.of(targets);
        int rows = logits.dim(0);
        int classes = logits.dim(1);
        float[] losses = new float[rows];
        float[] lse = new float[rows];
        backend.workers().parallelRanges(rows, chunk(classes), (from, to) -> {
            float[] block = new float[Math.min(BLOCK, classes)];
            for (int row = from; row < to; row++) {
                int start = row * classes;
                float peak = VectorReductions.maxRow(in, start, classes);
                float shift = Math.clamp(peak, -Float.MAX_VALUE, Float.MAX_VALUE);
                lse[row] = (float) (shift
                        + Math.log(sumOfExponentials(in, start, classes, Float.isNaN(peak) ? peak : shift, block)));
                losses[row] = target[row] < 0 ? 0f : lse[row] - in[start + target[row]];
            }
        });
        Shape shape = targets.shape();
        return new Saved(HostFloats.tensor(backend, shape, losses), HostFloats.tensor(backend, shape, lse));
    }

    private static float sumOfExponentials(float[] x, int start, int n, float shift, float[] block) {
        float sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            sum += Exponential.ofDifference(x, start + i, shift, block, 0, Math.min(BLOCK, n - i));
        }
        return sum;
    }

    @Override
    public Tensor gradient(Tensor logits, Tensor targets, Tensor logSumExp, Tensor dLosses) {
        float[] in = HostFloats.of(logits);
        int[] target = HostInts.of(targets);
        float[] lse = HostFloats.of(logSumExp);
        float[] upstream = HostFloats.of(dLosses);
        float[] out = HostFloats.allocate(logits.shape());
        int classes = logits.dim(1);
        backend.workers().parallelRanges(logits.dim(0), chunk(classes), (from, to) -> {
            for (int row = from; row < to; row++) {
                if (target[row] >= 0) {
                    int start = row * classes;
                    Exponential.ofDifference(in, start, lse[row], out, start, classes);
                    VectorSoftmax.scale(out, upstream[row], start, start + classes);
                    out[start + target[row]] -= upstream[row];
                }
            }
        });
        return HostFloats.tensor(backend, logits.shape(), out);
    }

    private static int chunk(int classes) {
        return Math.max(1, VectorElementwise.CHUNK / Math.max(1, classes));
    }
}
