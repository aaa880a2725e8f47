package org.filigree.core.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of rows with rows, C[i, j] = Σ_p A[i, p] · B[j, p]: both operands run along k, so nothing is packed. Each
 * output sums its lanes apart and folds them at the end in a fixed tree of shuffles; {@code reduceLanes} leaves that
 * order open, and interpreted and compiled code may then differ.
 *
 * <p>The large loops store their sums instead of passing vectors to the fold: see {@link TileKernel}.
 */
final class DotKernel {
    private static final VectorSpecies<Float> SPECIES = TileKernel.SPECIES;
    private static final int LANES = TileKernel.LANES;

    /** Rows of A and rows of B that a tile takes. */
    static final int TILE = 4;

    /** Room for the lane sums of one tile. */
    static final int SUMS_FLOATS = TILE * TILE * LANES;

    private static final VectorShuffle<Float> SWAP_HALVES = swap(LANES / 2);
    private static final VectorShuffle<Float> SWAP_QUARTERS = swap(LANES / 4);
    private static final VectorShuffle<Float> SWAP_EIGHTHS = swap(LANES / 8);
    private static final VectorShuffle<Float> SWAP_SIXTEENTHS = swap(LANES / 16);
    private static final VectorShuffle<Float> QUARTER_HEADS =
            VectorShuffle.fromOp(SPECIES, lane -> lane < 4 ? lane * (LANES / 4) : 0);
    private static final VectorMask<Float> ODD_HALF = lanesWithBit(LANES / 2);
    private static final VectorMask<Float> ODD_QUARTERS = lanesWithBit(LANES / 4);

    private DotKernel() {}

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(SPECIES, lane -> lane ^ distance);
    }

    private static VectorMask<Float> lanesWithBit(int bit) {
        boolean[] lanes = new boolean[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            lanes[lane] = (lane & bit) != 0;
        }
        return VectorMask.fromArray(SPECIES, lanes, 0);
    }

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
                for (int row = 0; row < rows; row++) {
                    fold(sums, row * TILE * LANES, columns, c.values(), c.at(i + row, j), update);
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
        FloatVector s00 = FloatVector.zero(SPECIES);
        FloatVector s01 = s00;
        FloatVector s02 = s00;
        FloatVector s03 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s12 = s00;
        FloatVector s13 = s00;
        FloatVector s20 = s00;
        FloatVector s21 = s00;
        FloatVector s22 = s00;
        FloatVector s23 = s00;
        FloatVector s30 = s00;
        FloatVector s31 = s00;
        FloatVector s32 = s00;
        FloatVector s33 = s00;
        for (int p = 0; p < k; p += LANES) {
            FloatVector y0 = FloatVector.fromArray(SPECIES, b, bOff + p);
            FloatVector y1 = FloatVector.fromArray(SPECIES, b, b1 + p);
            FloatVector y2 = FloatVector.fromArray(SPECIES, b, b2 + p);
            FloatVector y3 = FloatVector.fromArray(SPECIES, b, b3 + p);
            FloatVector x0 = FloatVector.fromArray(SPECIES, a, aOff + p);
            s00 = x0.fma(y0, s00);
            s01 = x0.fma(y1, s01);
            s02 = x0.fma(y2, s02);
            s03 = x0.fma(y3, s03);
            FloatVector x1 = FloatVector.fromArray(SPECIES, a, a1 + p);
            s10 = x1.fma(y0, s10);
            s11 = x1.fma(y1, s11);
            s12 = x1.fma(y2, s12);
            s13 = x1.fma(y3, s13);
            FloatVector x2 = FloatVector.fromArray(SPECIES, a, a2 + p);
            s20 = x2.fma(y0, s20);
            s21 = x2.fma(y1, s21);
            s22 = x2.fma(y2, s22);
            s23 = x2.fma(y3, s23);
            FloatVector x3 = FloatVector.fromArray(SPECIES, a, a3 + p);
            s30 = x3.fma(y0, s30);
            s31 = x3.fma(y1, s31);
            s32 = x3.fma(y2, s32);
            s33 = x3.fma(y3, s33);
        }
        s00.intoArray(sums, 0);
        s01.intoArray(sums, LANES);
        s02.intoArray(sums, 2 * LANES);
        s03.intoArray(sums, 3 * LANES);
        s10.intoArray(sums, 4 * LANES);
        s11.intoArray(sums, 5 * LANES);
        s12.intoArray(sums, 6 * LANES);
        s13.intoArray(sums, 7 * LANES);
        s20.intoArray(sums, 8 * LANES);
        s21.intoArray(sums, 9 * LANES);
        s22.intoArray(sums, 10 * LANES);
        s23.intoArray(sums, 11 * LANES);
        s30.intoArray(sums, 12 * LANES);
        s31.intoArray(sums, 13 * LANES);
        s32.intoArray(sums, 14 * LANES);
        s33.intoArray(sums, 15 * LANES);
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

    /** Folds four lane sums into four neighbouring outputs, of which the first {@code columns} exist. */
    private static void fold(float[] sums, int offset, int columns, float[] c, int cOff, Update update) {
        FloatVector s0 = FloatVector.fromArray(SPECIES, sums, offset);
        FloatVector s1 = FloatVector.fromArray(SPECIES, sums, offset + LANES);
        FloatVector s2 = FloatVector.fromArray(SPECIES, sums, offset + 2 * LANES);
        FloatVector s3 = FloatVector.fromArray(SPECIES, sums, offset + 3 * LANES);
        FloatVector even = s0.blend(s2, ODD_HALF).add(s2.blend(s0, ODD_HALF).rearrange(SWAP_HALVES));
        FloatVector odd = s1.blend(s3, ODD_HALF).add(s3.blend(s1, ODD_HALF).rearrange(SWAP_HALVES));
        FloatVector total =
                even.blend(odd, ODD_QUARTERS).add(odd.blend(even, ODD_QUARTERS).rearrange(SWAP_QUARTERS));
        if (LANES >= 8) {
            total = total.add(total.rearrange(SWAP_EIGHTHS));
        }
        if (LANES >= 16) {
            total = total.add(total.rearrange(SWAP_SIXTEENTHS));
        }
        total = total.rearrange(QUARTER_HEADS);
        VectorMask<Float> kept = SPECIES.indexInRange(0, update == Update.ACCUMULATE ? columns : 0);
        total.add(FloatVector.fromArray(SPECIES, c, cOff, kept)).intoArray(c, cOff, SPECIES.indexInRange(0, columns));
    }
}
