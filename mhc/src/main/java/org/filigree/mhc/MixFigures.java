package org.filigree.mhc;

/**
 * Figures of one mix.
 *
 * @param gain largest absolute row and column sum
 * @param spectralNorm largest singular value: 1 if doubly stochastic, at most √(forward·backward) of the gain if not negative
 * @param rows distance of the rows (targets) from a doubly stochastic matrix: the largest |sum − 1| or sum of what is negative
 * @param columns the same of the columns (sources); the matrix is doubly stochastic if and only if both are 0
 * @param entropy mean over targets of −Σ p·ln p over sources, p the row's absolute values over their sum, in nats: 0 where every target
 *     takes a single source, ln n where it takes all alike
 */
public record MixFigures(Gain gain, double spectralNorm, double rows, double columns, double entropy) {
    /**
     * The figures of one matrix.
     *
     * @param matrix M with x′ = Mx, square; the transpose of {@link MixWeights#comb}
     * @return its figures
     * @throws org.filigree.core.tensor.ShapeException if it is not square
     */
    public static MixFigures of(double[][] matrix) {
        SquareMatrices.check("mix figures", matrix);
        int n = matrix.length;
        double[][] transposed = new double[n][n];
        double entropy = 0;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                transposed[j][i] = matrix[i][j];
            }
            entropy += entropy(matrix[i]) / n;
        }
        return new MixFigures(
                Gain.of(matrix), SpectralNorm.of(matrix), distance(matrix), distance(transposed), entropy);
    }

    private static double distance(double[][] lines) {
        double largest = 0;
        for (double[] line : lines) {
            double sum = 0;
            double negative = 0;
            for (double entry : line) {
                sum += entry;
                negative -= Math.min(0, entry);
            }
            largest = Math.max(largest, Math.max(Math.abs(sum - 1), negative));
        }
        return largest;
    }

    private static double entropy(double[] line) {
        double sum = 0;
        for (double entry : line) {
            sum += Math.abs(entry);
        }
        double entropy = 0;
        for (double entry : line) {
            double p = Math.abs(entry) / sum;
            entropy -= p > 0 ? p * Math.log(p) : 0;
        }
        return entropy;
    }
}
