package org.filigree.core.backend.vector;

import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.kernel.RotaryKernel;
import org.filigree.core.tensor.Tensor;

/**
 * Rotation of channel pairs, one pass over the operand.
 *
 * @param backend whose tensors they are
 */
record VectorRotary(HostBackend backend) implements RotaryKernel {
    @Override
    public Tensor rotate(Pairing pairing, Tensor x, Tensor cos, Tensor sin) {
        float[] in = HostFloats.of(x);
        float[] c = HostFloats.of(cos);
        float[] s = HostFloats.of(sin);
        float[] out = HostFloats.allocate(x.shape());
        int width = x.dim(-1);
        int heads = x.dim(-2);
        int tokens = x.dim(-3);
        if (out.length > 0) {
            int chunk = Math.max(1, VectorElementwise.CHUNK / width);
            backend.workers().parallelRanges(out.length / width, chunk, (from, to) -> {
                for (int row = from; row < to; row++) {
                    int angle = row / heads % tokens * (width / 2);
                    switch (pairing) {
                        case INTERLEAVED -> interleaved(in, c, s, angle, out, row * width, width / 2);
                        case HALF_SPLIT -> halfSplit(in, c, s, angle, out, row * width, width / 2);
                    }
                }
            });
        }
        return HostFloats.tensor(backend, x.shape(), out);
    }

    private static void interleaved(float[] x, float[] cos, float[] sin, int angle, float[] y, int start, int pairs) {
        for (int i = 0; i < pairs; i++) {
            float a = x[start + 2 * i];
            float b = x[start + 2 * i + 1];
            float c = cos[angle + i];
            float s = sin[angle + i];
            y[start + 2 * i] = a * c - b * s;
            y[start + 2 * i + 1] = a * s + b * c;
        }
    }

    private static void halfSplit(float[] x, float[] cos, float[] sin, int angle, float[] y, int start, int pairs) {
        for (int i = 0; i < pairs; i++) {
            float a = x[start + i];
            float b = x[start + pairs + i];
            float c = cos[angle + i];
            float s = sin[angle + i];
            y[start + i] = a * c - b * s;
            y[start + pairs + i] = a * s + b * c;
        }
    }
}
