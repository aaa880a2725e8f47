package org.filigree.core.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * One row times a matrix that is stored row by row, y[j] = Σ_p x[p] · W[p, j]: a stretch of y stays in registers while the
 * same columns of W stream past. Each output is one chain of fused multiply-adds in the order of p.
 */
final class RowKernel {
    private static final VectorSpecies<Float> SPECIES = TileKernel.SPECIES;
    private static final int LANES = TileKernel.LANES;
    private static final int NARROW = 4 * LANES;

    /**
     * Columns of the widest stretch. Sixteen vectors of 64 bytes read 1 KiB from each row of W, which the hardware
     * prefetches well; machines with narrower vectors may have 16 registers in all.
     */
    static final int WIDEST = LANES >= 16 ? 16 * LANES : NARROW;

    /** Floats of W, 1 MiB, up to which it stays in the second-level cache. */
    private static final int CACHED = 1 << 18;

    private static final float[] ZEROS = new float[WIDEST];

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
        float[] start = update == Update.ACCUMULATE ? y : ZEROS;
        int j = from;
        if ((long) k * ldw > CACHED) {
            j = from + (to - from) / LANES * LANES;
            StreamedRowKernel.multiply(from, j, k, x, xOff, xStride, w, wOff, ldw, y, yOff, update);
        }
        if (WIDEST > NARROW) {
            for (; j + WIDEST <= to; j += WIDEST) {
                sixteenVectors(
                        k,
                        x,
                        xOff,
                        xStride,
                        w,
                        wOff + j,
                        ldw,
                        start,
                        update == Update.ACCUMULATE ? yOff + j : 0,
                        y,
                        yOff + j);
            }
        }
        for (; j + NARROW <= to; j += NARROW) {
            fourVectors(
                    k,
                    x,
                    xOff,
                    xStride,
                    w,
                    wOff + j,
                    ldw,
                    start,
                    update == Update.ACCUMULATE ? yOff + j : 0,
                    y,
                    yOff + j);
        }
        for (; j < to; j += LANES) {
            oneVector(Math.min(LANES, to - j), k, x, xOff, xStride, w, wOff + j, ldw, y, yOff + j, update);
        }
    }

    /** y = start + x·W for sixteen vectors of columns. */
    private static void sixteenVectors(
            int k,
            float[] x,
            int xOff,
            int xStride,
            float[] w,
            int wOff,
            int ldw,
            float[] start,
            int startOff,
            float[] y,
            int yOff) {
        FloatVector s0 = FloatVector.fromArray(SPECIES, start, startOff);
        FloatVector s1 = FloatVector.fromArray(SPECIES, start, startOff + LANES);
        FloatVector s2 = FloatVector.fromArray(SPECIES, start, startOff + 2 * LANES);
        FloatVector s3 = FloatVector.fromArray(SPECIES, start, startOff + 3 * LANES);
        FloatVector s4 = FloatVector.fromArray(SPECIES, start, startOff + 4 * LANES);
        FloatVector s5 = FloatVector.fromArray(SPECIES, start, startOff + 5 * LANES);
        FloatVector s6 = FloatVector.fromArray(SPECIES, start, startOff + 6 * LANES);
        FloatVector s7 = FloatVector.fromArray(SPECIES, start, startOff + 7 * LANES);
        FloatVector s8 = FloatVector.fromArray(SPECIES, start, startOff + 8 * LANES);
        FloatVector s9 = FloatVector.fromArray(SPECIES, start, startOff + 9 * LANES);
        FloatVector s10 = FloatVector.fromArray(SPECIES, start, startOff + 10 * LANES);
        FloatVector s11 = FloatVector.fromArray(SPECIES, start, startOff + 11 * LANES);
        FloatVector s12 = FloatVector.fromArray(SPECIES, start, startOff + 12 * LANES);
        FloatVector s13 = FloatVector.fromArray(SPECIES, start, startOff + 13 * LANES);
        FloatVector s14 = FloatVector.fromArray(SPECIES, start, startOff + 14 * LANES);
        FloatVector s15 = FloatVector.fromArray(SPECIES, start, startOff + 15 * LANES);
        for (int p = 0; p < k; p++) {
            FloatVector factor = FloatVector.broadcast(SPECIES, x[xOff + p * xStride]);
            int row = wOff + p * ldw;
            s0 = factor.fma(FloatVector.fromArray(SPECIES, w, row), s0);
            s1 = factor.fma(FloatVector.fromArray(SPECIES, w, row + LANES), s1);
            s2 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 2 * LANES), s2);
            s3 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 3 * LANES), s3);
            s4 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 4 * LANES), s4);
            s5 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 5 * LANES), s5);
            s6 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 6 * LANES), s6);
            s7 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 7 * LANES), s7);
            s8 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 8 * LANES), s8);
            s9 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 9 * LANES), s9);
            s10 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 10 * LANES), s10);
            s11 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 11 * LANES), s11);
            s12 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 12 * LANES), s12);
            s13 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 13 * LANES), s13);
            s14 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 14 * LANES), s14);
            s15 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 15 * LANES), s15);
        }
        s0.intoArray(y, yOff);
        s1.intoArray(y, yOff + LANES);
        s2.intoArray(y, yOff + 2 * LANES);
        s3.intoArray(y, yOff + 3 * LANES);
        s4.intoArray(y, yOff + 4 * LANES);
        s5.intoArray(y, yOff + 5 * LANES);
        s6.intoArray(y, yOff + 6 * LANES);
        s7.intoArray(y, yOff + 7 * LANES);
        s8.intoArray(y, yOff + 8 * LANES);
        s9.intoArray(y, yOff + 9 * LANES);
        s10.intoArray(y, yOff + 10 * LANES);
        s11.intoArray(y, yOff + 11 * LANES);
        s12.intoArray(y, yOff + 12 * LANES);
        s13.intoArray(y, yOff + 13 * LANES);
        s14.intoArray(y, yOff + 14 * LANES);
        s15.intoArray(y, yOff + 15 * LANES);
    }

    /** y = start + x·W for four vectors of columns. */
    private static void fourVectors(
            int k,
            float[] x,
            int xOff,
            int xStride,
            float[] w,
            int wOff,
            int ldw,
            float[] start,
            int startOff,
            float[] y,
            int yOff) {
        FloatVector s0 = FloatVector.fromArray(SPECIES, start, startOff);
        FloatVector s1 = FloatVector.fromArray(SPECIES, start, startOff + LANES);
        FloatVector s2 = FloatVector.fromArray(SPECIES, start, startOff + 2 * LANES);
        FloatVector s3 = FloatVector.fromArray(SPECIES, start, startOff + 3 * LANES);
        for (int p = 0; p < k; p++) {
            FloatVector factor = FloatVector.broadcast(SPECIES, x[xOff + p * xStride]);
            int row = wOff + p * ldw;
            s0 = factor.fma(FloatVector.fromArray(SPECIES, w, row), s0);
            s1 = factor.fma(FloatVector.fromArray(SPECIES, w, row + LANES), s1);
            s2 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 2 * LANES), s2);
            s3 = factor.fma(FloatVector.fromArray(SPECIES, w, row + 3 * LANES), s3);
        }
        s0.intoArray(y, yOff);
        s1.intoArray(y, yOff + LANES);
        s2.intoArray(y, yOff + 2 * LANES);
        s3.intoArray(y, yOff + 3 * LANES);
    }

    /** The same for the first columns of one vector. */
    private static void oneVector(
            int columns,
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
        VectorMask<Float> present = SPECIES.indexInRange(0, columns);
        VectorMask<Float> kept = SPECIES.indexInRange(0, update == Update.ACCUMULATE ? columns : 0);
        FloatVector sum = FloatVector.fromArray(SPECIES, y, yOff, kept);
        for (int p = 0; p < k; p++) {
            FloatVector factor = FloatVector.broadcast(SPECIES, x[xOff + p * xStride]);
            sum = factor.fma(FloatVector.fromArray(SPECIES, w, wOff + p * ldw, present), sum);
        }
        sum.intoArray(y, yOff, present);
    }
}
