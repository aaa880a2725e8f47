package org.filigree.attention;

import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What the gradient of the result means for the weights without sinks, whose output is o/w with w = 1/(1 + e^(sink − log-sum-exp)):
 * up = w·dO and offset = w·dO·o − dL give ds = p∘(up·v − offset), and the sink gets −Σ (1 − w)·dO·o.
 *
 * @param up [rows, value width]
 * @param offset of each row
 * @param taken (1 − w)·dO·o of each row, empty without sinks
 */
@SuppressWarnings("ArrayRecordComponent") // Operands of a kernel.
record OutputGradient(float[] up, float[] offset, float[] taken) {
    private static final int ROWS_PER_CHUNK = 256;

    static OutputGradient of(
            HostBackend backend, Attended result, float[] sinks, Tensor dOutput, @Nullable Tensor dLogSumExp) {
        float[] dO = HostFloats.of(dOutput);
        float[] output = HostFloats.of(result.output());
        float[] logSumExp = HostFloats.of(result.logSumExp());
        float[] dL = dLogSumExp == null ? new float[0] : HostFloats.of(dLogSumExp);
        float[] up = sinks.length == 0 ? dO : new float[dO.length];
        float[] offset = new float[logSumExp.length];
        float[] taken = new float[sinks.length == 0 ? 0 : logSumExp.length];
        int width = dOutput.dim(-1);
        backend.workers().parallelRanges(offset.length, ROWS_PER_CHUNK, (from, to) -> {
            for (int row = from; row < to; row++) {
                float inner = dot(dO, output, row * width, width);
                offset[row] = inner;
                if (sinks.length > 0) {
                    float share = share(sinks[row % sinks.length], logSumExp[row]);
                    taken[row] = (1 - share) * inner;
                    offset[row] = share * inner;
                    for (int i = row * width; i < (row + 1) * width; i++) {
                        up[i] = dO[i] * share;
                    }
                }
                if (dL.length > 0) {
                    offset[row] -= dL[row];
                }
            }
        });
        return new OutputGradient(up, offset, taken);
    }

    /** The share of the keys beside a sink, 1/(1 + e^(sink − log-sum-exp)). */
    static float share(float sink, float logSumExp) {
        if (sink == Float.NEGATIVE_INFINITY) {
            return 1f;
        }
        return (float) (1 / (1 + Math.exp(sink - (double) logSumExp)));
    }

    private static float dot(float[] a, float[] b, int at, int n) {
        float even = 0;
        float odd = 0;
        int i = 0;
        for (; i + 1 < n; i += 2) {
            even = Math.fma(a[at + i], b[at + i], even);
            odd = Math.fma(a[at + i + 1], b[at + i + 1], odd);
        }
        return i < n ? Math.fma(a[at + i], b[at + i], even) + odd : even + odd;
    }

    /** Gradient of the sinks: by head, over batch and tokens in order. */
    float[] ofSinks(int heads) {
        double[] sums = new double[heads];
        for (int i = 0; i < taken.length; i++) {
            sums[i % heads] -= taken[i];
        }
        float[] rounded = new float[heads];
        for (int h = 0; h < heads; h++) {
            rounded[h] = (float) sums[h];
        }
        return rounded;
    }
}
