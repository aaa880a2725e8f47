package org.filigree.mhc;

import java.util.Arrays;

/**
 * mHC and its relatives on one token as plain loops in double, forward and backward: documentation and oracle. The forms differ in
 * {@link NaiveMix}, in ε and in who reads by which weights. Parameters in float32 as checkpoints hold them.
 */
final class NaiveHyperConnections {
    private final int n;
    private final int width;
    private final double normEps;
    private final double eps;
    private final NaiveMix mix;
    private final double[] fn;
    private final double[] base;
    private final double[] scale;

    NaiveHyperConnections(HyperConnectionsConfig config, double[] fn, double[] base, double[] scale) {
        this.n = config.streams();
        this.width = config.width();
        this.normEps = config.normEps();
        this.eps = switch (config.mixing()) {
            case Mixing.DoublyStochastic form -> form.eps();
            case Mixing.Lagged form -> form.eps();
            default -> 0;
        };
        this.mix = NaiveMix.of(config.mixing(), n);
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
        return new Mixed(r, p, logits, pre, post, mix.forward(logits), read(x, pre));
    }

    /** u = Σ_j pre_j·X_j. */
    double[] read(double[] x, double[] pre) {
        double[] u = new double[width];
        for (int j = 0; j < n; j++) {
            for (int c = 0; c < width; c++) {
                u[c] += pre[j] * x[j * width + c];
            }
        }
        return u;
    }

    /** Gradient of the weights that u was read by. */
    double[] readGradient(double[] x, double[] du) {
        double[] dPre = new double[n];
        for (int j = 0; j < n; j++) {
            for (int c = 0; c < width; c++) {
                dPre[j] += du[c] * x[j * width + c];
            }
        }
        return dPre;
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
        return backward(x, mixed, y, mixed.pre, du, readGradient(x, du), upstream);
    }

    /** The same where u was read by other weights than this step's own, whose gradient dPre then comes from whoever read by them. */
    Gradient backward(
            double[] x, Mixed mixed, double[] y, double[] readBy, double[] du, double[] dPre, double[] upstream) {
        int k = n * width;
        double[] dx = new double[k];
        double[] dz = new double[base.length];
        double[] dComb = new double[n * n];
        for (int j = 0; j < n; j++) {
            double dPost = 0;
            for (int c = 0; c < width; c++) {
                dPost += upstream[j * width + c] * y[c];
                dx[j * width + c] += readBy[j] * du[c];
                for (int t = 0; t < n; t++) {
                    dComb[j * n + t] += x[j * width + c] * upstream[t * width + c];
                    dx[j * width + c] += mixed.comb[j * n + t] * upstream[t * width + c];
                }
            }
            double s = mixed.pre[j] - eps;
            dz[j] = dPre[j] * s * (1 - s);
            dz[n + j] = dPost * mixed.post[j] * (1 - mixed.post[j] / 2);
        }
        System.arraycopy(mix.backward(mixed.logits, dComb), 0, dz, 2 * n, mixed.logits.length);
        double[] dFn = new double[fn.length];
        double[] dScale = new double[scale.length];
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
