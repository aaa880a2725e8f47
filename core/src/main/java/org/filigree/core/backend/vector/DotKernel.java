package org.filigree.core.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.filigree.core.backend.simd.TileProducts;

/**
 * Products of rows with rows, C[i, j] = Σ_p A[i, p] · B[j, p]: both operands run along k, so nothing is packed. Each
 * output sums its lanes apart and folds them at the end, in {@link TileProducts}.
 *
 * <p>The large loops store their sums instead of passing vectors to the fold: see {@link TileKernel}.
 */
final class DotKernel {
    private static final VectorSpecies<Float> SPECIES = TileKernel.SPECIES;
    private static final int LANES = TileKernel.LANES;

    /** Rows of A and rows of B that a tile takes. */
    static final int TILE = TileProducts.TILE;

    /** Room for the lane sums of one tile. */
    static final int SUMS_FLOATS = TileProducts.SUMS;

    private DotKernel() {}

    /** C for rows {@code iFrom <= i < iTo} of A and {@code jFrom <= j < jTo} of B; {@code sums} holds {@link #SUMS_FLOATS}. */
    static void multiply(
            int iFrom,
            int iTo,
            int jFrom,
            int jTo,
            int k,
            Matrix aMatrix,
            Matrix bMatrix,
            Matrix c,
            Update update,
            float[] sums) {
        float[] a = aMatrix.values();
        float[] b = bMatrix.values();
        int lda = aMatrix.stride();
        int ldb = bMatrix.stride();
        int wholeK = SPECIES.loopBound(k);
        for (int j = jFrom; j < jTo; j += TILE) {
            int columns = Math.min(TILE, jTo - j);
            int bTile = bMatrix.at(j, 0);
            for (int i = iFrom; i < iTo; i += TILE) {
                int rows = Math.min(TILE, iTo - i);
                int aTile = aMatrix.at(i, 0);
                if (rows == 1) {
                    oneByFour(wholeK, a, aTile, b, bTile, ldb, columns, sums);
                } else {
                    fourByFour(wholeK, a, aTile, lda, rows, b, bTile, ldb, columns, sums);
                }
                if (wholeK < k) {
                    addTail(wholeK, k, a, aTile, lda, rows, b, bTile, ldb, columns, sums);
                }
                int kept = update == Update.ACCUMULATE ? columns : 0;
                for (int row = 0; row < rows; row++) {
                    TileProducts.fold(sums, row * TILE * LANES, columns, kept, c.values(), c.at(i + row, j));
                }
            }
        }
    }

    private static void oneByFour(int k, float[] a, int aOff, float[] b, int bOff, int ldb, int columns, float[] sums) {
        int b1 = bOff + Math.min(1, columns - 1) * ldb;
        int b2 = bOff + Math.min(2, columns - 1) * ldb;
        int b3 = bOff + (columns - 1) * ldb;
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        FloatVector t0 = s0;
        FloatVector t1 = s0;
        FloatVector t2 = s0;
        FloatVector t3 = s0;
        int p = 0;
        for (int end = k - 2 * LANES; p <= end; p += 2 * LANES) {
            FloatVector x = FloatVector.fromArray(SPECIES, a, aOff + p);
            FloatVector y = FloatVector.fromArray(SPECIES, a, aOff + p + LANES);
            s0 = x.fma(FloatVector.fromArray(SPECIES, b, bOff + p), s0);
            t0 = y.fma(FloatVector.fromArray(SPECIES, b, bOff + p + LANES), t0);
            s1 = x.fma(FloatVector.fromArray(SPECIES, b, b1 + p), s1);
            t1 = y.fma(FloatVector.fromArray(SPECIES, b, b1 + p + LANES), t1);
            s2 = x.fma(FloatVector.fromArray(SPECIES, b, b2 + p), s2);
            t2 = y.fma(FloatVector.fromArray(SPECIES, b, b2 + p + LANES), t2);
            s3 = x.fma(FloatVector.fromArray(SPECIES, b, b3 + p), s3);
            t3 = y.fma(FloatVector.fromArray(SPECIES, b, b3 + p + LANES), t3);
        }
        if (p < k) {
            FloatVector x = FloatVector.fromArray(SPECIES, a, aOff + p);
            s0 = x.fma(FloatVector.fromArray(SPECIES, b, bOff + p), s0);
            s1 = x.fma(FloatVector.fromArray(SPECIES, b, b1 + p), s1);
            s2 = x.fma(FloatVector.fromArray(SPECIES, b, b2 + p), s2);
            s3 = x.fma(FloatVector.fromArray(SPECIES, b, b3 + p), s3);
        }
        s0.add(t0).intoArray(sums, 0);
        s1.add(t1).intoArray(sums, LANES);
        s2.add(t2).intoArray(sums, 2 * LANES);
        s3.add(t3).intoArray(sums, 3 * LANES);
    }

    private static void fourByFour(
            int k, float[] a, int aOff, int lda, int rows, float[] b, int bOff, int ldb, int columns, float[] sums) {
        // Rows past the edge repeat the last one: computed, never stored.
        int a1 = aOff + Math.min(1, rows - 1) * lda;
        int a2 = aOff + Math.min(2, rows - 1) * lda;
        int a3 = aOff + (rows - 1) * lda;
        int b1 = bOff + Math.min(1, columns - 1) * ldb;
        int b2 = bOff + Math.min(2, columns - 1) * ldb;
        int b3 = bOff + (columns - 1) * ldb;
        TileProducts.laneSums(a, aOff, a1, a2, a3, b, bOff, b1, b2, b3, k, sums);
    }

    /** Adds the last products, fewer than a vector, to the lane sums. */
    private static void addTail(
            int from,
            int k,
            float[] a,
            int aOff,
            int lda,
            int rows,
            float[] b,
            int bOff,
            int ldb,
            int columns,
            float[] sums) {
        VectorMask<Float> tail = SPECIES.indexInRange(from, k);
        for (int i = 0; i < rows; i++) {
            FloatVector x = FloatVector.fromArray(SPECIES, a, aOff + i * lda + from, tail);
            for (int j = 0; j < columns; j++) {
                int sum = (i * TILE + j) * LANES;
                x.fma(
                                FloatVector.fromArray(SPECIES, b, bOff + j * ldb + from, tail),
                                FloatVector.fromArray(SPECIES, sums, sum))
                        .intoArray(sums, sum);
            }
        }
    }
}
