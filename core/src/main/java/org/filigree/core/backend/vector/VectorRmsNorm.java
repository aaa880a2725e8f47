package org.filigree.core.backend.vector;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.kernel.RmsNormKernel;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * RMS normalisation a row at a time; the gradient of the weight is summed over fixed blocks of rows, then over the blocks in order.
 *
 * @param backend whose tensors they are
 */
record VectorRmsNorm(HostBackend backend) implements RmsNormKernel {
    @Override
    public Saved forward(Tensor x, @Nullable Tensor weight, double eps) {
        float[] in = HostFloats.of(x);
        float[] w = weight == null ? null : HostFloats.of(weight);
        float[] out = HostFloats.allocate(x.shape());
        int width = x.dim(-1);
        Shape outer = x.shape().without(-1);
        float[] inverse = HostFloats.allocate(outer);
        backend.workers().parallelRanges(inverse.length, chunk(width), (from, to) -> {
            for (int row = from; row < to; row++) {
                int start = row * width;
                float r = (float) (1 / Math.sqrt(dot(in, start, in, start, width) / width + eps));
                inverse[row] = r;
                if (w == null) {
                    scale(in, r, out, start, width);
                } else {
                    scale(in, r, w, out, start, width);
                }
            }
        });
        return new Saved(HostFloats.tensor(backend, x.shape(), out), HostFloats.tensor(backend, outer, inverse));
    }

    @Override
    public Gradient gradient(Tensor x, @Nullable Tensor weight, Tensor inverseRms, Tensor dy) {
        float[] in = HostFloats.of(x);
        float[] w = weight == null ? null : HostFloats.of(weight);
        float[] inverse = HostFloats.of(inverseRms);
        float[] upstream = HostFloats.of(dy);
        float[] dx = HostFloats.allocate(x.shape());
        int width = x.dim(-1);
        int chunk = chunk(width);
        int blocks = (inverse.length + chunk - 1) / chunk;
        float[] partial = w == null ? new float[0] : new float[Math.multiplyExact(blocks, width)];
        backend.workers().parallelRanges(inverse.length, chunk, (from, to) -> {
            int block = from / chunk * width;
            for (int row = from; row < to; row++) {
                int start = row * width;
                float r = inverse[row];
                if (w == null) {
                    float c = r * r * dot(upstream, start, in, start, width) / width;
                    spread(upstream, in, r, c, dx, start, width);
                } else {
                    float c = r * r * weightedDot(upstream, w, in, r, start, partial, block, width) / width;
                    spread(upstream, w, in, r, c, dx, start, width);
                }
            }
        });
        Tensor dInput = HostFloats.tensor(backend, x.shape(), dx);
        if (weight == null) {
            return new Gradient(dInput, null);
        }
        float[] dw = new float[width];
        for (int b = 0; b < blocks; b++) {
            VectorReductions.addRow(partial, b * width, dw, width);
        }
        return new Gradient(dInput, HostFloats.tensor(backend, weight.shape(), dw));
    }

    private static int chunk(int width) {
        return Math.max(1, VectorElementwise.CHUNK / width);
    }

    private static float dot(float[] a, int shift, float[] x, int start, int width) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        for (; i + 4 * LANES <= width; i += 4 * LANES) {
            s0 = FloatVector.fromArray(F, a, shift + i).fma(FloatVector.fromArray(F, x, start + i), s0);
            s1 = FloatVector.fromArray(F, a, shift + i + LANES).fma(FloatVector.fromArray(F, x, start + i + LANES), s1);
            s2 = FloatVector.fromArray(F, a, shift + i + 2 * LANES)
                    .fma(FloatVector.fromArray(F, x, start + i + 2 * LANES), s2);
            s3 = FloatVector.fromArray(F, a, shift + i + 3 * LANES)
                    .fma(FloatVector.fromArray(F, x, start + i + 3 * LANES), s3);
        }
        for (; i + LANES <= width; i += LANES) {
            s0 = FloatVector.fromArray(F, a, shift + i).fma(FloatVector.fromArray(F, x, start + i), s0);
        }
        float sum = VectorMath.sum(s0.add(s1).add(s2.add(s3)));
        float tail = 0;
        for (; i < width; i++) {
            tail = Math.fma(a[shift + i], x[start + i], tail);
        }
        return sum + tail;
    }

    private static void scale(float[] x, float r, float[] y, int start, int width) {
        for (int i = start; i < start + width; i++) {
            y[i] = x[i] * r;
        }
    }

    private static void scale(float[] x, float r, float[] w, float[] y, int start, int width) {
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector.fromArray(F, x, start + i)
                    .mul(r)
                    .mul(FloatVector.fromArray(F, w, i))
                    .intoArray(y, start + i);
        }
        for (; i < width; i++) {
            y[start + i] = x[start + i] * r * w[i];
        }
    }

    /** Σ dy·w·x of a row; on the way dy·x·r joins the sums that become the gradient of the weight. */
    private static float weightedDot(
            float[] dy, float[] w, float[] x, float r, int start, float[] sums, int at, int width) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        int i = 0;
        for (; i + 2 * LANES <= width; i += 2 * LANES) {
            FloatVector p0 = FloatVector.fromArray(F, dy, start + i).mul(FloatVector.fromArray(F, x, start + i));
            p0.mul(r).add(FloatVector.fromArray(F, sums, at + i)).intoArray(sums, at + i);
            s0 = p0.fma(FloatVector.fromArray(F, w, i), s0);
            int j = i + LANES;
            FloatVector p1 = FloatVector.fromArray(F, dy, start + j).mul(FloatVector.fromArray(F, x, start + j));
            p1.mul(r).add(FloatVector.fromArray(F, sums, at + j)).intoArray(sums, at + j);
            s1 = p1.fma(FloatVector.fromArray(F, w, j), s1);
        }
        float sum = VectorMath.sum(s0.add(s1));
        float tail = 0;
        for (; i < width; i++) {
            float p = dy[start + i] * x[start + i];
            sums[at + i] += p * r;
            tail = Math.fma(p, w[i], tail);
        }
        return sum + tail;
    }

    private static void spread(float[] g, float[] x, float r, float c, float[] dx, int start, int width) {
        for (int i = start; i < start + width; i++) {
            dx[i] = r * (g[i] - x[i] * c);
        }
    }

    private static void spread(float[] dy, float[] w, float[] x, float r, float c, float[] dx, int start, int width) {
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector.fromArray(F, dy, start + i)
                    .mul(FloatVector.fromArray(F, w, i))
                    .sub(FloatVector.fromArray(F, x, start + i).mul(c))
                    .mul(r)
                    .intoArray(dx, start + i);
        }
        for (; i < width; i++) {
            dx[start + i] = r * (dy[start + i] * w[i] - x[start + i] * c);
        }
    }
}
