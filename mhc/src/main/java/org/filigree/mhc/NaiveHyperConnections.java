package org.filigree.mhc;

import java.util.Arrays;

/**
 * mHC in the released form on one token as plain loops in double, forward and backward: documentation and oracle. Parameters in float32
 * as checkpoints hold them.
 */
final class NaiveHyperConnections {
    private final int n;
    private final int width;
    private final double normEps;
    private final double eps;
    private final NaiveSinkhorn sinkhorn;
    private final double[] fn;
    private final double[] base;
    private final double[] scale;

    NaiveHyperConnections(HyperConnectionsConfig config, double[] fn, double[] base, double[] scale) {
        var form = (Mixing.DoublyStochastic) config.mixing();
        this.n = config.streams();
        this.width = config.width();
        this.normEps = config.normEps();
        this.eps = form.eps();
        this.sinkhorn = new NaiveSinkhorn(n, form.iterations(), form.eps());
        this.fn = fn;
        this.base = base;
        this.scale = scale;
    }

    /** What the first half of a step computes and the backward pass needs again. */
    @SuppressWarnings("ArrayRecordComponent")
    record Mixed(double r, double[] p, double[] logits, double[] pre, double[] post, double[] comb, double[] u) {}

    /** Gradients of the streams and of the parameters. */
    @SuppressWarnings("ArrayRecordComponent")
    record Gradient(double[] dx, double[] dFn, double[] dBase, double[] dScale) {}

    /** Weights and collapsed input of the streams x [n·width]. */
    Mixed mix(double[] x) {
        int k = n * width;
        double squares = 0;
        for (double value : x) {
            squares += value * value;
        }
        double r = 1 / Math.sqrt(squares / k + normEps);
        double[] p = new double[base.length];
        double[] z = new double[base.length];
        for (int o = 0; o < p.length; o++) {
            for (int i = 0; i < k; i++) {
                p[o] += fn[o * k + i] * x[i];
            }
            z[o] = p[o] * r * scale[group(o)] + base[o];
        }
        double[] pre = new double[n];
        double[] post = new double[n];
        for (int j = 0; j < n; j++) {
            pre[j] = sigmoid(z[j]) + eps;
            post[j] = 2 * sigmoid(z[n + j]);
        }
        double[] logits = Arrays.copyOfRange(z, 2 * n, z.length);
        double[] u = new double[width];
        for (int j = 0; j < n; j++) {
            for (int c = 0; c < width; c++) {
                u[c] += pre[j] * x[j * width + c];
            }
        }
        return new Mixed(r, p, logits, pre, post, sinkhorn.forward(logits), u);
    }

    /** x′ from the streams x and the sub-layer's output y. */
    double[] combine(double[] x, Mixed mixed, double[] y) {
        double[] out = new double[n * width];
        for (int k = 0; k < n; k++) {
            for (int c = 0; c < width; c++) {
                double sum = mixed.post[k] * y[c];
                for (int j = 0; j < n; j++) {
                    sum += mixed.comb[j * n + k] * x[j * width + c];
                }
                out[k * width + c] = sum;
            }
        }
        return out;
    }

    /** Gradient of the sub-layer's output from the upstream gradient Γ of x′. */
    double[] outputGradient(Mixed mixed, double[] upstream) {
        double[] dy = new double[width];
        for (int k = 0; k < n; k++) {
            for (int c = 0; c < width; c++) {
                dy[c] += mixed.post[k] * upstream[k * width + c];
            }
        }
        return dy;
    }

    /** All other gradients, once the sub-layer has turned the gradient of its output into that of its input, du. */
    Gradient backward(double[] x, Mixed mixed, double[] y, double[] du, double[] upstream) {
        int k = n * width;
        double[] dx = new double[k];
        double[] dz = new double[base.length];
        double[] dComb = new double[n * n];
        for (int j = 0; j < n; j++) {
            double dPre = 0;
            double dPost = 0;
            for (int c = 0; c < width; c++) {
                dPre += du[c] * x[j * width + c];
                dPost += upstream[j * width + c] * y[c];
                dx[j * width + c] += mixed.pre[j] * du[c];
                for (int t = 0; t < n; t++) {
                    dComb[j * n + t] += x[j * width + c] * upstream[t * width + c];
                    dx[j * width + c] += mixed.comb[j * n + t] * upstream[t * width + c];
                }
            }
            double s = mixed.pre[j] - eps;
            dz[j] = dPre * s * (1 - s);
            dz[n + j] = dPost * mixed.post[j] * (1 - mixed.post[j] / 2);
        }
        System.arraycopy(sinkhorn.backward(mixed.logits, dComb), 0, dz, 2 * n, n * n);
        double[] dFn = new double[fn.length];
        double[] dScale = new double[3];
        double inner = 0;
        for (int o = 0; o < dz.length; o++) {
            dScale[group(o)] += dz[o] * mixed.p[o] * mixed.r;
            double dm = dz[o] * scale[group(o)];
            inner += dm * mixed.p[o];
            for (int i = 0; i < k; i++) {
                dFn[o * k + i] = dm * mixed.r * x[i];
                dx[i] += dm * mixed.r * fn[o * k + i];
            }
        }
        for (int i = 0; i < k; i++) {
            dx[i] -= x[i] * inner * mixed.r * mixed.r * mixed.r / k;
        }
        return new Gradient(dx, dFn, dz, dScale);
    }

    private int group(int row) {
        return row < n ? 0 : row < 2 * n ? 1 : 2;
    }

    private static double sigmoid(double z) {
        return 1 / (1 + Math.exp(-z));
    }
}
