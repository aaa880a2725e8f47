package org.filigree.engram;

import java.util.Arrays;
import org.filigree.core.nn.LinearConfig.Bias;

/**
 * Engram as plain loops in double precision, one token after the other, forward and backward: what {@link Engram} and
 * {@link NgramHash} are tested against. Arrays are row-major in the shapes that {@link Engram} documents.
 */
@SuppressWarnings("ArrayRecordComponent") // Arrays are what plain loops run over.
final class NaiveEngram {
    private static final double LEAST_SCORE = 1e-6;

    private final EngramConfig config;
    private final int n;
    private final int d;
    private final int m;
    private final int head;
    private final int columns;

    NaiveEngram(EngramConfig config) {
        this.config = config;
        this.n = config.streams();
        this.d = config.width();
        this.m = config.memoryWidth();
        this.head = config.headWidth();
        this.columns = config.hash().columns();
    }

    /**
     * The 64-bit mix of the {@code order} ids that end at a position; ids may be any numbers.
     *
     * @param ids compressed ids
     * @param position of the last id
     * @param order how many ids
     * @param multipliers that of the last id first
     * @param padding id before the beginning
     */
    static long mix(int[] ids, int position, int order, long[] multipliers, int padding) {
        long mix = 0;
        for (int k = 0; k < order; k++) {
            long id = position - k < 0 ? padding : ids[position - k];
            mix ^= id * multipliers[k];
        }
        return mix;
    }

    /**
     * Rows of one sequence by definition: for every token the sequence is cut at the last barrier and hashed anew.
     *
     * @param ids compressed ids, −1 at dead tokens
     * @param starts true where a segment begins
     * @param padding compressed id of the padding
     * @param orders lengths of the n-grams
     * @param hash of the layer
     * @return [tokens, columns]
     */
    static int[] rows(int[] ids, boolean[] starts, int padding, int[] orders, LayerHash hash) {
        int[] moduli = hash.moduli();
        int[] offsets = hash.offsets();
        int heads = moduli.length / orders.length;
        int[] rows = new int[ids.length * moduli.length];
        for (int t = 0; t < ids.length; t++) {
            int from = t + 1;
            while (from > 0 && ids[from - 1] >= 0 && !(from <= t && starts[from])) {
                from--;
            }
            int[] open = Arrays.copyOfRange(ids, from, t + 1);
            for (int c = 0; c < moduli.length; c++) {
                long mix = mix(open, open.length - 1, orders[c / heads], hash.multipliers(), padding);
                rows[t * moduli.length + c] = (int) Math.floorMod(mix, (long) moduli[c]) + offsets[c];
            }
        }
        return rows;
    }

    /** Parameters, or their gradients. */
    record Weights(
            double[] table,
            double[] projection,
            double[] bias,
            double[] query,
            double[] key,
            double[] norm,
            double[] taps) {
        Weights zeros() {
            return new Weights(
                    new double[table.length],
                    new double[projection.length],
                    new double[bias.length],
                    new double[query.length],
                    new double[key.length],
                    new double[norm.length],
                    new double[taps.length]);
        }
    }

    /** What the backward pass needs, and the result {@code y}. */
    record Saved(
            int batch,
            int tokens,
            double[] x,
            int[] rows,
            boolean[] live,
            double[] e,
            double[] kv,
            double[] inverseX,
            double[] inverseK,
            double[] raw,
            double[] gate,
            double[] gated,
            double[] inverseGated,
            double[] normal,
            double[] z,
            double[] y) {}

    /** Gradients of the streams and of every parameter. */
    record Gradients(double[] x, Weights weights) {}

    /**
     * @param x [batch, tokens, streams, width]
     * @param rows [batch, tokens, columns]
     * @param live [batch, tokens]
     */
    Saved forward(Weights w, int batch, int tokens, double[] x, int[] rows, boolean[] live) {
        int all = batch * tokens;
        double[] e = new double[all * m];
        double[] kv = new double[all * (n + 1) * d];
        double[] inverseX = new double[all * n];
        double[] inverseK = new double[all * n];
        double[] raw = new double[all * n];
        double[] gate = new double[all * n];
        double[] gated = new double[all * n * d];
        for (int t = 0; t < all; t++) {
            for (int i = 0; i < m; i++) {
                e[t * m + i] = w.table[rows[t * columns + i / head] * head + i % head];
            }
            for (int o = 0; o < (n + 1) * d; o++) {
                double sum = config.bias() == Bias.PRESENT ? w.bias[o] : 0;
                for (int i = 0; i < m; i++) {
                    sum += w.projection[o * m + i] * e[t * m + i];
                }
                kv[t * (n + 1) * d + o] = sum;
            }
            for (int h = 0; h < n; h++) {
                int s = t * n + h;
                int k = (t * (n + 1) + h) * d;
                int v = (t * (n + 1) + n) * d;
                inverseX[s] = inverseRms(x, s * d, config.eps());
                inverseK[s] = inverseRms(kv, k, config.eps());
                for (int i = 0; i < d; i++) {
                    raw[s] += x[s * d + i] * w.query[h * d + i] * w.key[h * d + i] * kv[k + i];
                }
                double score = raw[s] * inverseX[s] * inverseK[s] / Math.sqrt(d);
                gate[s] = live[t] ? sigmoid(signedRoot(score, config.gateZero())) : 0;
                for (int i = 0; i < d; i++) {
                    gated[s * d + i] = gate[s] * kv[v + i];
                }
            }
        }
        double[] inverseGated = new double[all * n];
        double[] normal = new double[all * n * d];
        double[] z = new double[all * n * d];
        double[] y = gated.clone();
        if (config.convolution() instanceof Convolution.Depthwise(int kernel, int dilation, double eps)) {
            for (int s = 0; s < all * n; s++) {
                inverseGated[s] = inverseRms(gated, s * d, eps);
                for (int i = 0; i < d; i++) {
                    normal[s * d + i] = gated[s * d + i] * inverseGated[s] * w.norm[s % n * d + i];
                }
            }
            for (int t = 0; t < all; t++) {
                for (int c = 0; c < n * d; c++) {
                    for (int j = 0; j < kernel; j++) {
                        int back = (kernel - 1 - j) * dilation;
                        if (t % tokens >= back) {
                            z[t * n * d + c] += w.taps[c * kernel + j] * normal[(t - back) * n * d + c];
                        }
                    }
                    double mixed = z[t * n * d + c] * sigmoid(z[t * n * d + c]);
                    y[t * n * d + c] = live[t] ? y[t * n * d + c] + mixed : 0;
                }
            }
        }
        return new Saved(
                batch, tokens, x, rows, live, e, kv, inverseX, inverseK, raw, gate, gated, inverseGated, normal, z, y);
    }

    /** Gradients of Σ upstream∘y; the residual's own gradient is not in them. */
    Gradients backward(Weights w, Saved saved, double[] upstream) {
        Weights dw = w.zeros();
        double[] dGated = gatedGradient(w, saved, upstream, dw);
        double[] dx = new double[saved.x.length];
        for (int t = 0; t < saved.batch * saved.tokens; t++) {
            double[] dkv = new double[(n + 1) * d];
            int v = (t * (n + 1) + n) * d;
            for (int h = 0; h < n; h++) {
                int s = t * n + h;
                double dGate = 0;
                for (int i = 0; i < d; i++) {
                    dGate += dGated[s * d + i] * saved.kv[v + i];
                    dkv[n * d + i] += saved.gate[s] * dGated[s * d + i];
                }
                scoreGradient(w, saved, t, h, dGate, dx, dkv, dw);
            }
            projectionGradient(w, saved, t, dkv, dw);
        }
        return new Gradients(dx, dw);
    }

    /** Back through the convolution and its norm to the gated values. */
    private double[] gatedGradient(Weights w, Saved saved, double[] upstream, Weights dw) {
        int all = saved.batch * saved.tokens;
        double[] dy = upstream.clone();
        for (int t = 0; t < all; t++) {
            if (!saved.live[t]) {
                Arrays.fill(dy, t * n * d, (t + 1) * n * d, 0);
            }
        }
        if (!(config.convolution() instanceof Convolution.Depthwise(int kernel, int dilation, double _))) {
            return dy;
        }
        double[] dNormal = new double[dy.length];
        for (int t = 0; t < all; t++) {
            for (int c = 0; c < n * d; c++) {
                double z = saved.z[t * n * d + c];
                double dz = dy[t * n * d + c] * sigmoid(z) * (1 + z * (1 - sigmoid(z)));
                for (int j = 0; j < kernel; j++) {
                    int back = (kernel - 1 - j) * dilation;
                    if (t % saved.tokens >= back) {
                        int source = (t - back) * n * d + c;
                        dw.taps[c * kernel + j] += dz * saved.normal[source];
                        dNormal[source] += dz * w.taps[c * kernel + j];
                    }
                }
            }
        }
        for (int s = 0; s < all * n; s++) {
            int h = s % n;
            double r = saved.inverseGated[s];
            double mean = 0;
            for (int i = 0; i < d; i++) {
                double unit = saved.gated[s * d + i] * r;
                mean += dNormal[s * d + i] * w.norm[h * d + i] * unit / d;
                dw.norm[h * d + i] += dNormal[s * d + i] * unit;
            }
            for (int i = 0; i < d; i++) {
                dy[s * d + i] += r * (dNormal[s * d + i] * w.norm[h * d + i] - saved.gated[s * d + i] * r * mean);
            }
        }
        return dy;
    }

    /** Back through gate and score; D is the gradient of the raw product at fixed norms. */
    private void scoreGradient(
            Weights w, Saved saved, int t, int h, double dGate, double[] dx, double[] dkv, Weights dw) {
        int s = t * n + h;
        int k = (t * (n + 1) + h) * d;
        double rx = saved.inverseX[s];
        double rk = saved.inverseK[s];
        double scale = rx * rk / Math.sqrt(d);
        double raw = saved.raw[s];
        if (Math.abs(raw * scale) < LEAST_SCORE) {
            return;
        }
        double g = saved.gate[s];
        double dRaw = dGate * g * (1 - g) / 2 * Math.sqrt(scale / Math.abs(raw));
        for (int i = 0; i < d; i++) {
            int p = h * d + i;
            double x = saved.x[s * d + i];
            double key = saved.kv[k + i];
            double weight = w.query[p] * w.key[p];
            dx[s * d + i] += dRaw * (key * weight - x * raw * rx * rx / d);
            dkv[p] += dRaw * (x * weight - key * raw * rk * rk / d);
            dw.query[p] += dRaw * x * key * w.key[p];
            dw.key[p] += dRaw * x * key * w.query[p];
        }
    }

    private void projectionGradient(Weights w, Saved saved, int t, double[] dkv, Weights dw) {
        for (int o = 0; o < dkv.length; o++) {
            if (config.bias() == Bias.PRESENT) {
                dw.bias[o] += dkv[o];
            }
            for (int i = 0; i < m; i++) {
                dw.projection[o * m + i] += dkv[o] * saved.e[t * m + i];
                dw.table[saved.rows[t * columns + i / head] * head + i % head] += dkv[o] * w.projection[o * m + i];
            }
        }
    }

    private double inverseRms(double[] x, int from, double eps) {
        double squares = 0;
        for (int i = from; i < from + d; i++) {
            squares += x[i] * x[i];
        }
        return 1 / Math.sqrt(squares / d + eps);
    }

    /** sgn(s)·√max(|s|, 10⁻⁶). */
    static double signedRoot(double score, GateZero zero) {
        double root = Math.sqrt(Math.max(Math.abs(score), LEAST_SCORE));
        return switch (zero) {
            case SIGN -> Math.signum(score) * root;
            case COPY_SIGN -> Math.copySign(root, score);
        };
    }

    static double sigmoid(double z) {
        return 1 / (1 + Math.exp(-z));
    }
}
