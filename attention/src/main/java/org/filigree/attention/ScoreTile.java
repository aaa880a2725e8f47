package org.filigree.attention;

import static org.filigree.attention.TileProduct.STRIP;
import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.filigree.core.backend.simd.VectorMath;

/** What happens to a tile of index products [keys, {@link TileProduct#STRIP} heads] between the products. */
final class ScoreTile {
    private ScoreTile() {}

    /** lanes[key] = or += Σ of two halves of max(0, product)·weight, a vector for each key. */
    static void weigh(float[] products, int keys, float[] weights, int at, float[] lanes, boolean first) {
        FloatVector weight0 = FloatVector.fromArray(F, weights, at);
        FloatVector weight1 = FloatVector.fromArray(F, weights, at + LANES);
        FloatVector zero = FloatVector.zero(F);
        for (int j = 0; j < keys; j++) {
            FloatVector sum = first ? zero : FloatVector.fromArray(F, lanes, j * LANES);
            sum = FloatVector.fromArray(F, products, j * STRIP).max(zero).fma(weight0, sum);
            FloatVector.fromArray(F, products, j * STRIP + LANES)
                    .max(zero)
                    .fma(weight1, sum)
                    .intoArray(lanes, j * LANES);
        }
    }

    /** scores[key] = Σ lanes[key]. */
    static void fold(float[] lanes, int keys, float[] scores, int at) {
        for (int j = 0; j < keys; j++) {
            scores[at + j] = VectorMath.sum(FloatVector.fromArray(F, lanes, j * LANES));
        }
    }

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
