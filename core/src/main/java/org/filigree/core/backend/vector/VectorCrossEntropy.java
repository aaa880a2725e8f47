package org.filigree.core.backend.vector;

import static org.filigree.core.backend.vector.VectorMath.F;
import static org.filigree.core.backend.vector.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.backend.kernel.CrossEntropyKernel;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Cross entropy a row at a time; the softmax is never stored but made again for the gradient.
 *
 * @param backend whose tensors they are
 */
record VectorCrossEntropy(HostBackend backend) implements CrossEntropyKernel {
    @Override
    public Saved forward(Tensor logits, Tensor targets) {
        float[] in = HostFloats.of(logits);
        int[] target = HostInts.of(targets);
        int rows = logits.dim(0);
        int classes = logits.dim(1);
        check(target, classes);
        float[] losses = new float[rows];
        float[] lse = new float[rows];
        backend.workers().parallelRanges(rows, chunk(classes), (from, to) -> {
            for (int row = from; row < to; row++) {
                int start = row * classes;
                float peak = VectorReductions.maxRow(in, start, classes);
                float shift = Math.clamp(peak, -Float.MAX_VALUE, Float.MAX_VALUE);
                lse[row] = (float)
                        (shift + Math.log(sumOfExponentials(in, start, classes, Float.isNaN(peak) ? peak : shift)));
                losses[row] = target[row] < 0 ? 0f : lse[row] - in[start + target[row]];
            }
        });
        Shape shape = targets.shape();
        return new Saved(HostFloats.tensor(backend, shape, losses), HostFloats.tensor(backend, shape, lse));
    }

    private static void check(int[] targets, int classes) {
        for (int i = 0; i < targets.length; i++) {
            if (targets[i] < -1 || targets[i] >= classes) {
                throw new IndexOutOfBoundsException("crossEntropy: target " + targets[i] + " of row " + i
                        + " is outside [0, " + classes + ") and not -1 (none)");
            }
        }
    }

    private static float sumOfExponentials(float[] x, int start, int n, float shift) {
        FloatVector sum = FloatVector.zero(F);
        int i = start;
        int end = start + n;
        for (; i + LANES <= end; i += LANES) {
            sum = sum.add(VectorMath.exp(FloatVector.fromArray(F, x, i).sub(shift)));
        }
        if (i < end) {
            VectorMask<Float> rest = F.indexInRange(i, end);
            sum = sum.add(VectorMath.exp(FloatVector.fromArray(F, x, i, rest).sub(shift)), rest);
        }
        return VectorMath.sum(sum);
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
                    probabilities(in, lse[row], upstream[row], out, row * classes, classes);
                    out[row * classes + target[row]] -= upstream[row];
                }
            }
        });
        return HostFloats.tensor(backend, logits.shape(), out);
    }

    private static void probabilities(float[] x, float lse, float factor, float[] y, int start, int n) {
        int i = start;
        int end = start + n;
        for (; i + LANES <= end; i += LANES) {
            VectorMath.exp(FloatVector.fromArray(F, x, i).sub(lse)).mul(factor).intoArray(y, i);
        }
        if (i < end) {
            VectorMask<Float> rest = F.indexInRange(i, end);
            VectorMath.exp(FloatVector.fromArray(F, x, i, rest).sub(lse))
                    .mul(factor)
                    .intoArray(y, i, rest);
        }
    }

    private static int chunk(int classes) {
        return Math.max(1, VectorElementwise.CHUNK / Math.max(1, classes));
    }
}
