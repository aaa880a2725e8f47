package org.filigree.mhc;

import java.util.Arrays;

/**
 * mHC and its relatives on one token as plain loops in double, forward and backward: documentation and oracle. The forms differ in
 * {@link NaiveMix}, in ε and in who reads by which weights.
 */
final class NaiveHyperConnections implements NaiveStep {
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

    /** p = φ·v, r = 1/rms(v) and z = α·p·r + b. */
    @SuppressWarnings("ArrayRecordComponent")
    private record Projected(double r, double[] p, double[] z) {
        double[] logits(int n) {
            return Arrays.copyOfRange(z, 2 * n, z.length);
        }
    }

    private Projected project(double[] x) {
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
        return new Projected(r, p, z);
    }

    @Override
    public Mixed mix(double[] x) {
        Projected projected = project(x);
        double[] z = projected.z;
        double[] pre = new double[n];
        double[] post = new double[n];
        for (int j = 0; j < n; j++) {
            pre[j] = sigmoid(z[j]) + eps;
            post[j] = 2 * sigmoid(z[n + j]);
        }
        return new Mixed(pre, post, mix.forward(projected.logits(n)), NaiveStep.read(x, pre));
    }

    @Override
    public Gradient backward(double[] x, Mixed mixed, double[] y, double[] du, double[] upstream) {
        return backward(x, mixed, y, mixed.pre(), du, NaiveStep.readGradient(x, du), upstream);
    }

    /** The same where u was read by other weights than this step's own, whose gradient dPre then comes from whoever read by them. */
    Gradient backward(
            double[] x, Mixed mixed, double[] y, double[] readBy, double[] du, double[] dPre, double[] upstream) {
        int k = n * width;
        Projected projected = project(x);
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
                    dx[j * width + c] += mixed.comb()[j * n + t] * upstream[t * width + c];
                }
            }
            double s = mixed.pre()[j] - eps;
            dz[j] = dPre[j] * s * (1 - s);
            dz[n + j] = dPost * mixed.post()[j] * (1 - mixed.post()[j] / 2);
        }
        double[] dLogits = mix.backward(projected.logits(n), dComb);
        System.arraycopy(dLogits, 0, dz, 2 * n, dLogits.length);
        double[] dFn = new double[fn.length];
        double[] dScale = new double[scale.length];
        double inner = 0;
        for (int o = 0; o < dz.length; o++) {
            dScale[group(o)] += dz[o] * projected.p[o] * projected.r;
            double dm = dz[o] * scale[group(o)];
            inner += dm * projected.p[o];
            for (int i = 0; i < k; i++) {
                dFn[o * k + i] = dm * projected.r * x[i];
                dx[i] += dm * projected.r * fn[o * k + i];
            }
        }
        for (int i = 0; i < k; i++) {
            dx[i] -= x[i] * inner * projected.r * projected.r * projected.r / k;
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
