package org.filigree.mhc;

import java.util.ArrayList;
import java.util.List;

/**
 * How much a mix, or a product of mixes over depth, can amplify: the instrument by which mHC's stability is read.
 *
 * @param forward largest absolute row sum in the paper's orientation x′ = Mx: amplification of activations
 * @param backward largest absolute column sum: amplification of gradients
 */
public record Gain(double forward, double backward) {
    /**
     * The gain of one matrix.
     *
     * @param matrix M with x′ = Mx, square; the transpose of {@link MixWeights#comb}
     * @return its gains
     * @throws org.filigree.core.tensor.ShapeException if it is not square
     */
    public static Gain of(double[][] matrix) {
        SquareMatrices.check("gain", matrix);
        double forward = 0;
        double[] columns = new double[matrix.length];
        for (double[] row : matrix) {
            double sum = 0;
            for (int k = 0; k < row.length; k++) {
                sum += row[k];
                columns[k] += row[k];
            }
            forward = Math.max(forward, Math.abs(sum));
        }
        double backward = 0;
        for (double sum : columns) {
            backward = Math.max(backward, Math.abs(sum));
        }
        return new Gain(forward, backward);
    }

    /**
     * The gain of a product over depth, M_L…M_1.
     *
     * @param inLayerOrder M_1 to M_L, at least one
     * @return its gains
     * @throws org.filigree.core.tensor.ShapeException if they are not square matrices of one size
     */
    public static Gain ofComposite(List<double[][]> inLayerOrder) {
        SquareMatrices.check("composite gain", inLayerOrder);
        double[][] product = inLayerOrder.getFirst();
        for (double[][] next : inLayerOrder.subList(1, inLayerOrder.size())) {
            product = multiply(next, product);
        }
        return of(product);
    }

    /**
     * The gains of all products that begin or end a stack, as the paper's figures show them: at sub-layer l the forward gain of
     * M_l…M_1 and the backward gain of M_L…M_l.
     *
     * @param inLayerOrder M_1 to M_L, at least one
     * @return one gain a sub-layer
     * @throws org.filigree.core.tensor.ShapeException if they are not square matrices of one size
     */
    public static List<Gain> throughDepth(List<double[][]> inLayerOrder) {
        SquareMatrices.check("composite gain", inLayerOrder);
        int depth = inLayerOrder.size();
        double[] forward = new double[depth];
        double[] backward = new double[depth];
        double[][] below = inLayerOrder.getFirst();
        double[][] above = inLayerOrder.getLast();
        for (int l = 0; l < depth; l++) {
            below = l == 0 ? below : multiply(inLayerOrder.get(l), below);
            above = l == 0 ? above : multiply(above, inLayerOrder.get(depth - 1 - l));
            forward[l] = of(below).forward;
            backward[depth - 1 - l] = of(above).backward;
        }
        var gains = new ArrayList<Gain>();
        for (int l = 0; l < depth; l++) {
            gains.add(new Gain(forward[l], backward[l]));
        }
        return gains;
    }

    private static double[][] multiply(double[][] a, double[][] b) {
        int n = a.length;
        double[][] c = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                for (int k = 0; k < n; k++) {
                    c[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return c;
    }
}
