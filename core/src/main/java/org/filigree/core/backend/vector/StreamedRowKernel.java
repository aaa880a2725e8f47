package org.filigree.core.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link RowKernel} for matrices that are too large to stay in a second-level cache: eight rows of W pass by at a time, each read from
 * its beginning to its end as hardware prefetches best, while y stays in the first-level cache. Walking down a stretch of columns leaps
 * over most of every page and reads 1.3 times as slowly. The chains of multiply-adds are the same, so the bits are.
 */
final class StreamedRowKernel {
    private static final VectorSpecies<Float> SPECIES = TileKernel.SPECIES;
    private static final int LANES = TileKernel.LANES;
    private static final int ROWS = 8;

    /** Columns whose sums stay in the first-level cache, 16 KiB of them. */
    private static final int COLUMNS = 1 << 12;

    private StreamedRowKernel() {}

    /** y[from, to) from x[k], whose elements lie {@code xStride} apart, and W[k, n]; {@code to − from} is a multiple of the lanes. */
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
        for (int j = from; j < to; j += COLUMNS) {
            int columns = Math.min(COLUMNS, to - j);
            if (update == Update.OVERWRITE) {
                Arrays.fill(y, yOff + j, yOff + j + columns, 0f);
            }
            int p = 0;
            for (; p + ROWS <= k; p += ROWS) {
                eightRows(x, xOff + p * xStride, xStride, w, wOff + p * ldw + j, ldw, y, yOff + j, columns);
            }
            for (; p < k; p++) {
                oneRow(x[xOff + p * xStride], w, wOff + p * ldw + j, y, yOff + j, columns);
            }
        }
    }

    private static void eightRows(
            float[] x, int xAt, int xStride, float[] w, int w0, int ldw, float[] y, int yAt, int columns) {
        FloatVector x0 = FloatVector.broadcast(SPECIES, x[xAt]);
        FloatVector x1 = FloatVector.broadcast(SPECIES, x[xAt + xStride]);
        FloatVector x2 = FloatVector.broadcast(SPECIES, x[xAt + 2 * xStride]);
        FloatVector x3 = FloatVector.broadcast(SPECIES, x[xAt + 3 * xStride]);
        FloatVector x4 = FloatVector.broadcast(SPECIES, x[xAt + 4 * xStride]);
        FloatVector x5 = FloatVector.broadcast(SPECIES, x[xAt + 5 * xStride]);
        FloatVector x6 = FloatVector.broadcast(SPECIES, x[xAt + 6 * xStride]);
        FloatVector x7 = FloatVector.broadcast(SPECIES, x[xAt + 7 * xStride]);
        int w1 = w0 + ldw;
        int w2 = w1 + ldw;
        int w3 = w2 + ldw;
        int w4 = w3 + ldw;
        int w5 = w4 + ldw;
        int w6 = w5 + ldw;
        int w7 = w6 + ldw;
        for (int i = 0; i < columns; i += LANES) {
            FloatVector s = FloatVector.fromArray(SPECIES, y, yAt + i);
            s = x0.fma(FloatVector.fromArray(SPECIES, w, w0 + i), s);
            s = x1.fma(FloatVector.fromArray(SPECIES, w, w1 + i), s);
            s = x2.fma(FloatVector.fromArray(SPECIES, w, w2 + i), s);
            s = x3.fma(FloatVector.fromArray(SPECIES, w, w3 + i), s);
            s = x4.fma(FloatVector.fromArray(SPECIES, w, w4 + i), s);
            s = x5.fma(FloatVector.fromArray(SPECIES, w, w5 + i), s);
            s = x6.fma(FloatVector.fromArray(SPECIES, w, w6 + i), s);
            s = x7.fma(FloatVector.fromArray(SPECIES, w, w7 + i), s);
            s.intoArray(y, yAt + i);
        }
    }

    private static void oneRow(float x, float[] w, int wAt, float[] y, int yAt, int columns) {
        FloatVector factor = FloatVector.broadcast(SPECIES, x);
        for (int i = 0; i < columns; i += LANES) {
            factor.fma(FloatVector.fromArray(SPECIES, w, wAt + i), FloatVector.fromArray(SPECIES, y, yAt + i))
                    .intoArray(y, yAt + i);
        }
    }
}
