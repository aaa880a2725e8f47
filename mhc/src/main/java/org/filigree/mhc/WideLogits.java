package org.filigree.mhc;

import java.util.Arrays;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/**
 * Those matrices among many that Sinkhorn–Knopp without ε cannot divide through in float32: the others are left to a kernel, these
 * are done one after the other on logarithms, in double. Which a matrix is depends on its own logits alone.
 *
 * @param logits matrices that follow one another, row-major
 * @param n rows and columns
 * @param iterations R
 */
@SuppressWarnings("ArrayRecordComponent")
record WideLogits(float[] logits, int n, int iterations) {
    /**
     * Widest span of a matrix's logits for the kernel. Iterations keep cross-ratios, of which the smallest is e^−80 then; entries, their sums
     * and the sums' reciprocals are normal floats.
     */
    private static final float MOST = 40;

    private static final int MATRICES_PER_CHUNK = 512;

    static Tensor sinkhorn(HostBackend backend, SinkhornKernel kernel, Tensor logits, int iterations) {
        Tensor y = kernel.sinkhorn(logits, iterations, 0);
        var matrices = new WideLogits(HostFloats.of(logits), logits.dim(-1), iterations);
        float[] out = HostFloats.of(y);
        matrices.forEachWide(backend, at -> matrices.forward(at, out));
        return y;
    }

    static Tensor gradient(HostBackend backend, SinkhornKernel kernel, Tensor logits, int iterations, Tensor dy) {
        Tensor gradient = kernel.gradient(logits, iterations, 0, dy);
        var matrices = new WideLogits(HostFloats.of(logits), logits.dim(-1), iterations);
        float[] upstream = HostFloats.of(dy);
        float[] out = HostFloats.of(gradient);
        matrices.forEachWide(backend, at -> matrices.backward(at, upstream, out));
        return gradient;
    }

    /** What is done to a matrix that begins at an index. */
    private interface AtMatrix {
        void accept(int at);
    }

    private void forEachWide(HostBackend backend, AtMatrix action) {
        int area = n * n;
        backend.workers().parallelRanges(logits.length / area, MATRICES_PER_CHUNK, (from, to) -> {
            for (int matrix = from; matrix < to; matrix++) {
                if (wide(matrix * area)) {
                    action.accept(matrix * area);
                }
            }
        });
    }

    private boolean wide(int at) {
        float low = logits[at];
        float high = logits[at];
        for (int i = at + 1; i < at + n * n; i++) {
            low = Math.min(low, logits[i]);
            high = Math.max(high, logits[i]);
        }
        return !(high - low <= MOST);
    }

    private void forward(int at, float[] out) {
        double[] x = logarithms(at);
        for (int step = 0; step < 2 * iterations; step++) {
            normalise(x, step);
        }
        for (int i = 0; i < x.length; i++) {
            out[at + i] = (float) Math.exp(x[i]);
        }
    }

    private void backward(int at, float[] upstream, float[] out) {
        double[][] results = new double[2 * iterations][];
        double[] x = logarithms(at);
        for (int step = 0; step < results.length; step++) {
            normalise(x, step);
            results[step] = x.clone();
            Arrays.setAll(results[step], i -> Math.exp(x[i]));
        }
        double[] g = new double[n * n];
        Arrays.setAll(g, i -> upstream[at + i] * results[results.length - 1][i]);
        for (int step = results.length - 1; step >= 0; step--) {
            double[] sums = new double[n];
            for (int i = 0; i < g.length; i++) {
                sums[line(step, i)] += g[i];
            }
            for (int i = 0; i < g.length; i++) {
                g[i] -= results[step][i] * sums[line(step, i)];
            }
        }
        for (int i = 0; i < g.length; i++) {
            out[at + i] = (float) g[i];
        }
    }

    private double[] logarithms(int at) {
        double[] x = new double[n * n];
        Arrays.setAll(x, i -> logits[at + i]);
        return x;
    }

    /** L ← L − log Σ exp L along the step's axis. */
    private void normalise(double[] x, int step) {
        double[] max = new double[n];
        double[] sums = new double[n];
        Arrays.fill(max, Double.NEGATIVE_INFINITY);
        for (int i = 0; i < x.length; i++) {
            max[line(step, i)] = Math.max(max[line(step, i)], x[i]);
        }
        for (int i = 0; i < x.length; i++) {
            sums[line(step, i)] += Math.exp(x[i] - max[line(step, i)]);
        }
        for (int i = 0; i < x.length; i++) {
            x[i] -= max[line(step, i)] + Math.log(sums[line(step, i)]);
        }
    }

    /** Rows first, so columns last. */
    private int line(int step, int entry) {
        return step % 2 == 0 ? entry / n : entry % n;
    }
}
