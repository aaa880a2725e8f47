package org.filigree.mhc;

/** U_1 ⊗ … ⊗ U_m of 2 × 2 matrices, product by product: documentation and oracle. */
record NaiveKronecker(int n) implements NaiveMix {
    @Override
    public double[] forward(double[] logits) {
        double[] product = {1};
        for (int i = 0; i < logits.length / 2; i++) {
            product = times(product, factor(logits, i));
        }
        return product;
    }

    /** One factor's gradient at a time: the product is linear in it. */
    @Override
    public double[] backward(double[] logits, double[] upstream) {
        double[] gradient = new double[logits.length];
        for (int i = 0; i < logits.length / 2; i++) {
            double[] keeping = {1};
            double[] flipping = {1};
            for (int other = 0; other < logits.length / 2; other++) {
                double[] factor = factor(logits, other);
                keeping = times(keeping, other == i ? new double[] {1, 0, 0, 1} : factor);
                flipping = times(flipping, other == i ? new double[] {0, 1, 1, 0} : factor);
            }
            double dKeeping = 0;
            double dFlipping = 0;
            for (int e = 0; e < upstream.length; e++) {
                dKeeping += upstream[e] * keeping[e];
                dFlipping += upstream[e] * flipping[e];
            }
            double p = factor(logits, i)[0];
            gradient[2 * i] = p * (1 - p) * (dKeeping - dFlipping);
            gradient[2 * i + 1] = -gradient[2 * i];
        }
        return gradient;
    }

    private static double[] factor(double[] logits, int i) {
        double p = 1 / (1 + Math.exp(logits[2 * i + 1] - logits[2 * i]));
        return new double[] {p, 1 - p, 1 - p, p};
    }

    /** A ⊗ B with B of two rows: entry (2a + c, 2b + d) is A[a, b]·B[c, d]. */
    private static double[] times(double[] left, double[] right) {
        int rows = (int) Math.sqrt(left.length);
        double[] product = new double[4 * left.length];
        for (int a = 0; a < rows; a++) {
            for (int b = 0; b < rows; b++) {
                for (int c = 0; c < 2; c++) {
                    for (int d = 0; d < 2; d++) {
                        product[(2 * a + c) * 2 * rows + 2 * b + d] = left[a * rows + b] * right[2 * c + d];
                    }
                }
            }
        }
        return product;
    }
}
