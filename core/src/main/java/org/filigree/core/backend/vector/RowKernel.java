package org.filigree.core.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * One row times a matrix that is stored row by row, y[j] = Σ_p x[p] · W[p, j]: W streams past once, eight rows at a
 * time, and y stays in the first-level cache. Each output is one chain of multiply-adds in the order of p.
 */
final class RowKernel {
    private static final VectorSpecies<Float> SPECIES = TileKernel.SPECIES;
    private static final int LANES = TileKernel.LANES;
    private static final int ROWS = 8;

    private RowKernel() {}

    /** y[from, to) from x[k], whose elements lie {@code xStride} apart, and W[k, n]. */
    static void multiply(
            int from,
            int to,
            int k,
            float[] x,
            int xOff,
            int xStride,
            float[] w,
            int wOff,
            int ldw,
            float[] y,
            int yOff,
            Update update) {
        int whole = from + SPECIES.loopBound(to - from);
        int p = 0;
        Update next = update;
        for (; p + ROWS <= k; p += ROWS) {
            eightRows(from, whole, x, xOff + p * xStride, xStride, w, wOff + p * ldw, ldw, y, yOff, next);
            if (whole < to) {
                for (int row = p; row < p + ROWS; row++) {
                    oneRow(
                            whole,
                            to,
                            x[xOff + row * xStride],
                            w,
                            wOff + row * ldw,
                            y,
                            yOff,
                            row == p ? next : Update.ACCUMULATE);
                }
            }
            next = Update.ACCUMULATE;
        }
        for (; p < k; p++) {
            oneRow(from, to, x[xOff + p * xStride], w, wOff + p * ldw, y, yOff, next);
            next = Update.ACCUMULATE;
        }
    }

    private static void eightRows(
            int from,
            int to,
            float[] x,
            int xOff,
            int xStride,
            float[] w,
            int wOff,
            int ldw,
            float[] y,
            int yOff,
            Update update) {
        VectorMask<Float> kept = SPECIES.indexInRange(0, update == Update.ACCUMULATE ? LANES : 0);
        FloatVector x0 = FloatVector.broadcast(SPECIES, x[xOff]);
        FloatVector x1 = FloatVector.broadcast(SPECIES, x[xOff + xStride]);
        FloatVector x2 = FloatVector.broadcast(SPECIES, x[xOff + 2 * xStride]);
        FloatVector x3 = FloatVector.broadcast(SPECIES, x[xOff + 3 * xStride]);
        FloatVector x4 = FloatVector.broadcast(SPECIES, x[xOff + 4 * xStride]);
        FloatVector x5 = FloatVector.broadcast(SPECIES, x[xOff + 5 * xStride]);
        FloatVector x6 = FloatVector.broadcast(SPECIES, x[xOff + 6 * xStride]);
        FloatVector x7 = FloatVector.broadcast(SPECIES, x[xOff + 7 * xStride]);
        int w1 = wOff + ldw;
        int w2 = w1 + ldw;
        int w3 = w2 + ldw;
        int w4 = w3 + ldw;
        int w5 = w4 + ldw;
        int w6 = w5 + ldw;
        int w7 = w6 + ldw;
        for (int j = from; j < to; j += LANES) {
            FloatVector sum = FloatVector.fromArray(SPECIES, y, yOff + j, kept);
            sum = x0.fma(FloatVector.fromArray(SPECIES, w, wOff + j), sum);
            sum = x1.fma(FloatVector.fromArray(SPECIES, w, w1 + j), sum);
            sum = x2.fma(FloatVector.fromArray(SPECIES, w, w2 + j), sum);
            sum = x3.fma(FloatVector.fromArray(SPECIES, w, w3 + j), sum);
            sum = x4.fma(FloatVector.fromArray(SPECIES, w, w4 + j), sum);
            sum = x5.fma(FloatVector.fromArray(SPECIES, w, w5 + j), sum);
            sum = x6.fma(FloatVector.fromArray(SPECIES, w, w6 + j), sum);
            sum = x7.fma(FloatVector.fromArray(SPECIES, w, w7 + j), sum);
            sum.intoArray(y, yOff + j);
        }
    }

    private static void oneRow(int from, int to, float x, float[] w, int wOff, float[] y, int yOff, Update update) {
        VectorMask<Float> kept = SPECIES.indexInRange(0, update == Update.ACCUMULATE ? LANES : 0);
        FloatVector factor = FloatVector.broadcast(SPECIES, x);
        for (int j = from; j < to; j += LANES) {
            VectorMask<Float> present = SPECIES.indexInRange(j, to);
            FloatVector sum = FloatVector.fromArray(SPECIES, y, yOff + j, present.and(kept));
            factor.fma(FloatVector.fromArray(SPECIES, w, wOff + j, present), sum)
                    .intoArray(y, yOff + j, present);
        }
    }
}
