package org.filigree.mhc;

/**
 * One step on one token as plain loops in double, forward and backward: documentation and oracle. Streams X [n·width] lie one after the
 * other, entry j·n + k of comb leads from source j to target k.
 */
interface NaiveStep {
    /** Weights, and what the sub-layer reads by them. */
    @SuppressWarnings("ArrayRecordComponent")
    record Mixed(double[] pre, double[] post, double[] comb, double[] u) {}

    /** Gradients of the streams and of the parameters. */
    @SuppressWarnings("ArrayRecordComponent")
    record Gradient(double[] dx, double[] dFn, double[] dBase, double[] dScale) {}

    /** Weights and collapsed input of the streams x. */
    Mixed mix(double[] x);

    /** All other gradients, once the sub-layer has turned the gradient of its output into that of its input, du. */
    Gradient backward(double[] x, Mixed mixed, double[] y, double[] du, double[] upstream);

    /** The oracle of a form other than the plain residual; parameters that the form has not are empty. */
    static NaiveStep of(HyperConnectionsConfig config, double[] fn, double[] base, double[] scale) {
        return switch (config.mixing()) {
            case Mixing.Fixed _, Mixing.Dynamic _ -> new NaiveUnconstrained(config, fn, base, scale);
            default -> new NaiveHyperConnections(config, fn, base, scale);
        };
    }

    /** u = Σ_j pre_j·X_j. */
    static double[] read(double[] x, double[] pre) {
        int width = x.length / pre.length;
        double[] u = new double[width];
        for (int j = 0; j < pre.length; j++) {
            for (int c = 0; c < width; c++) {
                u[c] += pre[j] * x[j * width + c];
            }
        }
        return u;
    }

    /** Gradient of the weights that u was read by. */
    static double[] readGradient(double[] x, double[] du) {
        double[] dPre = new double[x.length / du.length];
        for (int j = 0; j < dPre.length; j++) {
            for (int c = 0; c < du.length; c++) {
                dPre[j] += du[c] * x[j * du.length + c];
            }
        }
        return dPre;
    }

    /** x′ from the streams x and the sub-layer's output y. */
    static double[] combine(double[] x, Mixed mixed, double[] y) {
        int n = mixed.post.length;
        int width = y.length;
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
    static double[] outputGradient(Mixed mixed, double[] upstream) {
        int width = upstream.length / mixed.post.length;
        double[] dy = new double[width];
        for (int k = 0; k < mixed.post.length; k++) {
            for (int c = 0; c < width; c++) {
                dy[c] += mixed.post[k] * upstream[k * width + c];
            }
        }
        return dy;
    }
}
