package org.filigree.mhc;

/**
 * Plain hyper-connections on one token: every stream by itself gives x̃_j = X_j/rms(X_j) and t_j = tanh(θ·x̃_j) [n+2], and so
 * pre_j = α_0·t_j0 + b, post_j = α_1·t_j1 + b, comb[j,k] = α_2·t_j(2+k) + b. The static ones are b alone.
 */
final class NaiveUnconstrained implements NaiveStep {
    private final int n;
    private final int width;
    private final double normEps;
    private final double[] fn;
    private final double[] base;
    private final double[] scale;

    /** Static with neither fn nor scale. */
    NaiveUnconstrained(HyperConnectionsConfig config, double[] fn, double[] base, double[] scale) {
        this.n = config.streams();
        this.width = config.width();
        this.normEps = config.normEps();
        this.fn = fn;
        this.base = base;
        this.scale = scale;
    }

    private boolean dynamic() {
        return scale.length > 0;
    }

    @Override
    public Mixed mix(double[] x) {
        double[] pre = new double[n];
        double[] post = new double[n];
        double[] comb = new double[n * n];
        for (int j = 0; j < n; j++) {
            pre[j] = base[j];
            post[j] = base[n + j];
            for (int k = 0; k < n; k++) {
                comb[j * n + k] = base[2 * n + j * n + k];
            }
            if (dynamic()) {
                double[] t = scores(x, j);
                pre[j] += scale[0] * t[0];
                post[j] += scale[1] * t[1];
                for (int k = 0; k < n; k++) {
                    comb[j * n + k] += scale[2] * t[2 + k];
                }
            }
        }
        return new Mixed(pre, post, comb, NaiveStep.read(x, pre));
    }

    @Override
    public Gradient backward(double[] x, Mixed mixed, double[] y, double[] du, double[] upstream) {
        double[] dPre = NaiveStep.readGradient(x, du);
        double[] dPost = new double[n];
        double[] dComb = new double[n * n];
        double[] dx = new double[n * width];
        for (int j = 0; j < n; j++) {
            for (int c = 0; c < width; c++) {
                dPost[j] += upstream[j * width + c] * y[c];
                dx[j * width + c] += mixed.pre()[j] * du[c];
                for (int k = 0; k < n; k++) {
                    dComb[j * n + k] += x[j * width + c] * upstream[k * width + c];
                    dx[j * width + c] += mixed.comb()[j * n + k] * upstream[k * width + c];
                }
            }
        }
        double[] dBase = new double[base.length];
        System.arraycopy(dPre, 0, dBase, 0, n);
        System.arraycopy(dPost, 0, dBase, n, n);
        System.arraycopy(dComb, 0, dBase, 2 * n, n * n);
        double[] dFn = new double[fn.length];
        double[] dScale = new double[scale.length];
        for (int j = 0; j < n && dynamic(); j++) {
            double[] dScores = new double[n + 2];
            dScores[0] = dPre[j];
            dScores[1] = dPost[j];
            System.arraycopy(dComb, j * n, dScores, 2, n);
            addThroughScores(x, j, dScores, dx, dFn, dScale);
        }
        return new Gradient(dx, dFn, dBase, dScale);
    }

    /** From the gradients of α·tanh(θ·x̃_j) to those of X_j, θ and α. */
    private void addThroughScores(double[] x, int j, double[] dScores, double[] dx, double[] dFn, double[] dScale) {
        double r = inverseRms(x, j);
        double[] t = scores(x, j);
        double[] dNormalised = new double[width];
        for (int o = 0; o < t.length; o++) {
            dScale[group(o)] += dScores[o] * t[o];
            double da = dScores[o] * scale[group(o)] * (1 - t[o] * t[o]);
            for (int c = 0; c < width; c++) {
                dFn[o * width + c] += da * r * x[j * width + c];
                dNormalised[c] += da * fn[o * width + c];
            }
        }
        double inner = 0;
        for (int c = 0; c < width; c++) {
            inner += dNormalised[c] * x[j * width + c];
        }
        for (int c = 0; c < width; c++) {
            dx[j * width + c] += r * dNormalised[c] - x[j * width + c] * inner * r * r * r / width;
        }
    }

    private double[] scores(double[] x, int j) {
        double r = inverseRms(x, j);
        double[] t = new double[n + 2];
        for (int o = 0; o < t.length; o++) {
            for (int c = 0; c < width; c++) {
                t[o] += fn[o * width + c] * r * x[j * width + c];
            }
            t[o] = Math.tanh(t[o]);
        }
        return t;
    }

    private double inverseRms(double[] x, int j) {
        double squares = 0;
        for (int c = 0; c < width; c++) {
            squares += x[j * width + c] * x[j * width + c];
        }
        return 1 / Math.sqrt(squares / width + normEps);
    }

    private static int group(int row) {
        return Math.min(row, 2);
    }
}
