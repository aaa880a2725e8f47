package org.filigree.core.backend.vector;

import java.util.Arrays;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.kernel.CausalConvolutionKernel;
import org.filigree.core.tensor.Tensor;

/**
 * Rows of channels times rows of weights, added up tap by tap; the gradient of x is the same walk towards later tokens. Gradients of
 * weights are summed in blocks of tokens, so that their rounding error grows with the number of blocks.
 *
 * @param backend whose tensors they are
 */
record VectorCausalConvolution(HostBackend backend) implements CausalConvolutionKernel {
    /** Tokens that are summed before the partial sum joins the total. */
    private static final int BLOCK_TOKENS = 64;
    /** Channels a task, when weights get their gradient. */
    private static final int CHUNK_CHANNELS = 128;

    @Override
    public Tensor convolve(Tensor x, Tensor weight, int dilation) {
        return walk(x, weight, -dilation);
    }

    @Override
    public Gradient gradient(Tensor x, Tensor weight, int dilation, Tensor dy) {
        return new Gradient(walk(dy, weight, dilation), weightGradient(x, weight, dilation, dy));
    }

    /** y[t] = Σ_back w[taps−1−back]·x[t + back·step], as long as that token exists. */
    private Tensor walk(Tensor x, Tensor weight, int step) {
        int tokens = x.dim(1);
        int channels = x.dim(2);
        int taps = weight.dim(1);
        float[] in = HostFloats.of(x);
        float[] w = byTap(HostFloats.of(weight), channels, taps);
        float[] out = HostFloats.allocate(x.shape());
        int chunk = Math.max(1, VectorElementwise.CHUNK / Math.max(1, w.length));
        backend.workers().parallelRanges(x.dim(0) * tokens, chunk, (from, to) -> {
            for (int row = from; row < to; row++) {
                int token = row % tokens;
                for (int back = 0; back < taps; back++) {
                    long other = token + (long) back * step;
                    if (other < 0 || other >= tokens) {
                        break;
                    }
                    int at = (row - token + (int) other) * channels;
                    addProduct(in, at, w, (taps - 1 - back) * channels, out, row * channels, channels);
                }
            }
        });
        return HostFloats.tensor(backend, x.shape(), out);
    }

    private static float[] byTap(float[] weight, int channels, int taps) {
        float[] rows = new float[weight.length];
        for (int c = 0; c < channels; c++) {
            for (int j = 0; j < taps; j++) {
                rows[j * channels + c] = weight[c * taps + j];
            }
        }
        return rows;
    }

    private static void addProduct(float[] a, int atA, float[] b, int atB, float[] sum, int at, int n) {
        for (int i = 0; i < n; i++) {
            sum[at + i] += a[atA + i] * b[atB + i];
        }
    }

    private Tensor weightGradient(Tensor x, Tensor weight, int dilation, Tensor dy) {
        int channels = x.dim(2);
        int taps = weight.dim(1);
        float[] in = HostFloats.of(x);
        float[] upstream = HostFloats.of(dy);
        float[] out = HostFloats.allocate(weight.shape());
        int pieces = (channels + CHUNK_CHANNELS - 1) / CHUNK_CHANNELS;
        backend.workers().parallelFor(pieces * taps, task -> {
            int back = task / pieces;
            int from = task % pieces * CHUNK_CHANNELS;
            int width = Math.min(CHUNK_CHANNELS, channels - from);
            float[] sum = new float[width];
            long gap = (long) back * dilation;
            if (gap < x.dim(1)) {
                sumProducts(in, upstream, x.dim(0), x.dim(1), channels, (int) gap, from, sum);
            }
            for (int i = 0; i < width; i++) {
                out[(from + i) * taps + taps - 1 - back] = sum[i];
            }
        });
        return HostFloats.tensor(backend, weight.shape(), out);
    }

    /** sum[i] = Σ over batch and tokens t ≥ gap of x[t − gap, from + i]·dy[t, from + i]. */
    private static void sumProducts(
            float[] x, float[] dy, int batch, int tokens, int channels, int gap, int from, float[] sum) {
        float[] partial = new float[sum.length];
        for (int b = 0; b < batch; b++) {
            for (int block = gap; block < tokens; block += BLOCK_TOKENS) {
                Arrays.fill(partial, 0f);
                int end = Math.min(tokens, block + BLOCK_TOKENS);
                for (int t = block; t < end; t++) {
                    int at = (b * tokens + t) * channels + from;
                    addProduct(x, at - gap * channels, dy, at, partial, 0, partial.length);
                }
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += partial[i];
                }
            }
        }
    }
}
