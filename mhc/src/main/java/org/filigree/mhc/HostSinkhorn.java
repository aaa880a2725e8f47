package org.filigree.mhc;

import java.util.Arrays;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/**
 * One matrix after the other in a small array that stays in the first-level cache, matrices shared among threads in chunks that do
 * not depend on their number.
 *
 * @param backend whose arrays it reads and makes
 */
record HostSinkhorn(HostBackend backend) implements SinkhornKernel {
    private static final int LARGEST = 8;

    /** About 0.1 ms of forward work at n = 4, so that handing a chunk to a thread costs little beside it. */
    private static final int MATRICES_PER_CHUNK = 256;

    @Override
    public boolean supports(int n) {
        return n >= 1 && n <= LARGEST;
    }

    @Override
    public Tensor sinkhorn(Tensor logits, int iterations, double eps) {
        int n = logits.dim(-1);
        int area = n * n;
        float[] in = HostFloats.of(logits);
        float[] out = HostFloats.allocate(logits.shape());
        backend.workers().parallelRanges(in.length / area, MATRICES_PER_CHUNK, (from, to) -> {
            float[] x = new float[area];
            float[] sums = new float[n];
            for (int matrix = from; matrix < to; matrix++) {
                softmax(in, matrix * area, n, x);
                add(x, (float) eps);
                for (int step = 0; step < 2 * iterations - 1; step++) {
                    divide(x, n, step % 2 == 0, (float) eps, sums, 0);
                }
                System.arraycopy(x, 0, out, matrix * area, area);
            }
        });
        return HostFloats.tensor(backend, logits.shape(), out);
    }

    @Override
    public Tensor gradient(Tensor logits, int iterations, double eps, Tensor dy) {
        int n = logits.dim(-1);
        int area = n * n;
        int steps = 2 * iterations - 1;
        float[] in = HostFloats.of(logits);
        float[] upstream = HostFloats.of(dy);
        float[] out = HostFloats.allocate(logits.shape());
        backend.workers().parallelRanges(in.length / area, MATRICES_PER_CHUNK, (from, to) -> {
            float[] probabilities = new float[area];
            float[] x = new float[area];
            float[] results = new float[steps * area];
            float[] denominators = new float[steps * n];
            float[] g = new float[area];
            for (int matrix = from; matrix < to; matrix++) {
                softmax(in, matrix * area, n, probabilities);
                System.arraycopy(probabilities, 0, x, 0, area);
                add(x, (float) eps);
                for (int step = 0; step < steps; step++) {
                    divide(x, n, step % 2 == 0, (float) eps, denominators, step * n);
                    System.arraycopy(x, 0, results, step * area, area);
                }
                System.arraycopy(upstream, matrix * area, g, 0, area);
                for (int step = steps - 1; step >= 0; step--) {
                    back(g, results, denominators, step, n);
                }
                throughSoftmax(g, probabilities, n, out, matrix * area);
            }
        });
        return HostFloats.tensor(backend, logits.shape(), out);
    }

    private static void softmax(float[] logits, int start, int n, float[] x) {
        for (int row = 0; row < x.length; row += n) {
            float max = Float.NEGATIVE_INFINITY;
            for (int k = 0; k < n; k++) {
                max = Math.max(max, logits[start + row + k]);
            }
            if (max == Float.NEGATIVE_INFINITY) {
                Arrays.fill(x, row, row + n, 0f);
                continue;
            }
            float sum = 0;
            for (int k = 0; k < n; k++) {
                float e = (float) Math.exp(logits[start + row + k] - max);
                x[row + k] = e;
                sum += e;
            }
            for (int k = 0; k < n; k++) {
                x[row + k] /= sum;
            }
        }
    }

    private static void add(float[] x, float eps) {
        for (int i = 0; i < x.length; i++) {
            x[i] += eps;
        }
    }

    private static void divide(float[] x, int n, boolean columns, float eps, float[] denominators, int at) {
        for (int line = 0; line < n; line++) {
            int start = columns ? line : line * n;
            int stride = columns ? n : 1;
            float sum = 0;
            for (int i = 0; i < n; i++) {
                sum += x[start + i * stride];
            }
            float denominator = sum + eps;
            denominators[at + line] = denominator;
            for (int i = 0; i < n; i++) {
                x[start + i * stride] /= denominator;
            }
        }
    }

    private static void back(float[] g, float[] results, float[] denominators, int step, int n) {
        boolean columns = step % 2 == 0;
        int at = step * g.length;
        for (int line = 0; line < n; line++) {
            int start = columns ? line : line * n;
            int stride = columns ? n : 1;
            float sum = 0;
            for (int i = 0; i < n; i++) {
                sum += g[start + i * stride] * results[at + start + i * stride];
            }
            for (int i = 0; i < n; i++) {
                g[start + i * stride] = (g[start + i * stride] - sum) / denominators[step * n + line];
            }
        }
    }

    private static void throughSoftmax(float[] g, float[] probabilities, int n, float[] out, int at) {
        for (int row = 0; row < g.length; row += n) {
            float inner = 0;
            for (int k = 0; k < n; k++) {
                inner += g[row + k] * probabilities[row + k];
            }
            for (int k = 0; k < n; k++) {
                out[at + row + k] = probabilities[row + k] * (g[row + k] - inner);
            }
        }
    }
}
