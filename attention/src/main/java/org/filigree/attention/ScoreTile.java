package org.filigree.attention;

import static org.filigree.attention.TileProduct.STRIP;
import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** What happens to a tile of index products [keys, {@link TileProduct#STRIP} heads] between the products on the way back. */
final class ScoreTile {
    private ScoreTile() {}

    /** dWeights += Σ_keys dScore·max(0, product). */
    static void intoWeights(float[] products, int keys, float[] dScores, int scoresAt, float[] dWeights, int at) {
        FloatVector sum0 = FloatVector.fromArray(F, dWeights, at);
        FloatVector sum1 = FloatVector.fromArray(F, dWeights, at + LANES);
        FloatVector zero = FloatVector.zero(F);
        for (int j = 0; j < keys; j++) {
            FloatVector gradient = FloatVector.broadcast(F, dScores[scoresAt + j]);
            sum0 = FloatVector.fromArray(F, products, j * STRIP).max(zero).fma(gradient, sum0);
            sum1 = FloatVector.fromArray(F, products, j * STRIP + LANES)
                    .max(zero)
                    .fma(gradient, sum1);
        }
        sum0.intoArray(dWeights, at);
        sum1.intoArray(dWeights, at + LANES);
    }

    /** product ← dScore·weight where product &gt; 0, else 0. */
    static void throughCut(float[] products, int keys, float[] dScores, int scoresAt, float[] weights, int at) {
        FloatVector weight0 = FloatVector.fromArray(F, weights, at);
        FloatVector weight1 = FloatVector.fromArray(F, weights, at + LANES);
        FloatVector zero = FloatVector.zero(F);
        for (int j = 0; j < keys; j++) {
            FloatVector gradient = FloatVector.broadcast(F, dScores[scoresAt + j]);
            int row = j * STRIP;
            zero.blend(
                            gradient.mul(weight0),
                            FloatVector.fromArray(F, products, row).compare(VectorOperators.GT, 0f))
                    .intoArray(products, row);
            zero.blend(
                            gradient.mul(weight1),
                            FloatVector.fromArray(F, products, row + LANES).compare(VectorOperators.GT, 0f))
                    .intoArray(products, row + LANES);
        }
    }
}
