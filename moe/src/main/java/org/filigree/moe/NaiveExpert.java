package org.filigree.moe;

/** One SwiGLU expert on one token as plain loops in double, weights row-major in float32 as checkpoints hold them. */
final class NaiveExpert {
    private final int width;
    private final int hidden;
    private final double limit;
    private final float[] w1;
    private final float[] w2;
    private final float[] w3;

    NaiveExpert(int width, int hidden, double limit, float[] w1, float[] w2, float[] w3) {
        this.width = width;
        this.hidden = hidden;
        this.limit = limit;
        this.w1 = w1;
        this.w2 = w2;
        this.w3 = w3;
    }

    /** Gradients of one expert's weights, summed over tokens. */
    @SuppressWarnings("ArrayRecordComponent")
    record Gradient(double[] dw1, double[] dw2, double[] dw3) {
        static Gradient zeros(int width, int hidden) {
            int size = width * hidden;
            return new Gradient(new double[size], new double[size], new double[size]);
        }
    }

    /** y = w₂·(silu(min(w₁x, L))∘clamp(w₃x, ±L)). */
    double[] forward(double[] x) {
        double[] y = new double[width];
        for (int h = 0; h < hidden; h++) {
            double a = activation(project(w1, x, h), project(w3, x, h));
            for (int c = 0; c < width; c++) {
                y[c] += w2[c * hidden + h] * a;
            }
        }
        return y;
    }

    /** Adds weight gradients to the sums and returns the gradient of x. */
    double[] backward(double[] x, double[] dy, Gradient sums) {
        double[] dx = new double[width];
        for (int h = 0; h < hidden; h++) {
            double g = project(w1, x, h);
            double u = project(w3, x, h);
            double a = activation(g, u);
            double da = 0;
            for (int c = 0; c < width; c++) {
                da += w2[c * hidden + h] * dy[c];
                sums.dw2[c * hidden + h] += dy[c] * a;
            }
            double gate = Math.min(g, limit);
            double up = Math.clamp(u, -limit, limit);
            double s = 1 / (1 + Math.exp(-gate));
            double dg = g > limit ? 0 : da * up * s * (1 + gate * (1 - s));
            double du = Math.abs(u) > limit ? 0 : da * gate * s;
            for (int c = 0; c < width; c++) {
                sums.dw1[h * width + c] += dg * x[c];
                sums.dw3[h * width + c] += du * x[c];
                dx[c] += dg * w1[h * width + c] + du * w3[h * width + c];
            }
        }
        return dx;
    }

    private double activation(double g, double u) {
        double gate = Math.min(g, limit);
        return gate / (1 + Math.exp(-gate)) * Math.clamp(u, -limit, limit);
    }

    private double project(float[] w, double[] x, int row) {
        double sum = 0;
        for (int c = 0; c < width; c++) {
            sum += w[row * width + c] * x[c];
        }
        return sum;
    }
}
