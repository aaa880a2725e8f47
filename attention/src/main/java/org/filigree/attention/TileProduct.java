package org.filigree.attention;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * The innermost loops of tiled attention: C[{@link #HEIGHT}, {@link #STRIP}] = or += A·B, held in registers while k runs. Every element
 * is one chain of fused multiply-adds in the order of k. C lies in rows of a strip; A lies either turned, its rows side by side for each k,
 * or in rows.
 */
final class TileProduct {
    /** Columns of a tile. */
    static final int STRIP = 2 * LANES;

    /**
     * Rows of a tile, a divisor of {@link #STRIP}. With 512-bit vectors come 32 registers: 16 sums, which hide the latency of two
     * multiply-adds a cycle, a row of B and a broadcast. Narrower vectors may have 16 registers.
     */
    static final int HEIGHT = LANES >= 16 ? 8 : 4;

    /** Where the sums of an overwritten C begin; read instead of branching on the case. */
    private static final float[] ZEROS = new float[STRIP];

    /** What becomes of the former C. */
    enum Update {
        /** It is replaced. */
        OVERWRITE,
        /** It is added to. */
        ACCUMULATE
    }

    private TileProduct() {}

    /**
     * A turned: element (row, p) at {@code aAt + p·aStep + row}.
     *
     * @param k terms of each sum
     * @param a A
     * @param aAt its element (0, 0)
     * @param aStep from one k to the next
     * @param b B [k, STRIP]
     * @param bAt its element (0, 0)
     * @param bStep from one k to the next
     * @param c C [HEIGHT, STRIP]
     * @param cAt its element (0, 0)
     * @param update of C
     */
    static void turned(
            int k, float[] a, int aAt, int aStep, float[] b, int bAt, int bStep, float[] c, int cAt, Update update) {
        if (HEIGHT == 8) {
            turned8(k, a, aAt, aStep, b, bAt, bStep, c, cAt, update);
        } else {
            turned4(k, a, aAt, aStep, b, bAt, bStep, c, cAt, update);
        }
    }

    /**
     * A in rows: element (row, p) at {@code aAt + row·aRow + p}.
     *
     * @param k terms of each sum
     * @param a A
     * @param aAt its element (0, 0)
     * @param aRow from one row to the next
     * @param b B [k, STRIP]
     * @param bAt its element (0, 0)
     * @param c C [HEIGHT, STRIP]
     * @param cAt its element (0, 0)
     * @param update of C
     */
    static void rows(int k, float[] a, int aAt, int aRow, float[] b, int bAt, float[] c, int cAt, Update update) {
        if (HEIGHT == 8) {
            rows8(k, a, aAt, aRow, b, bAt, c, cAt, update);
        } else {
            rows4(k, a, aAt, aRow, b, bAt, c, cAt, update);
        }
    }

    private static void turned8(
            int k, float[] a, int aAt, int aStep, float[] b, int bAt, int bStep, float[] c, int cAt, Update update) {
        float[] s = update == Update.ACCUMULATE ? c : ZEROS;
        int from = update == Update.ACCUMULATE ? cAt : 0;
        int step = update == Update.ACCUMULATE ? STRIP : 0;
        FloatVector c0x0 = FloatVector.fromArray(F, s, from);
        FloatVector c0x1 = FloatVector.fromArray(F, s, from + LANES);
        FloatVector c1x0 = FloatVector.fromArray(F, s, from + step);
        FloatVector c1x1 = FloatVector.fromArray(F, s, from + step + LANES);
        FloatVector c2x0 = FloatVector.fromArray(F, s, from + 2 * step);
        FloatVector c2x1 = FloatVector.fromArray(F, s, from + 2 * step + LANES);
        FloatVector c3x0 = FloatVector.fromArray(F, s, from + 3 * step);
        FloatVector c3x1 = FloatVector.fromArray(F, s, from + 3 * step + LANES);
        FloatVector c4x0 = FloatVector.fromArray(F, s, from + 4 * step);
        FloatVector c4x1 = FloatVector.fromArray(F, s, from + 4 * step + LANES);
        FloatVector c5x0 = FloatVector.fromArray(F, s, from + 5 * step);
        FloatVector c5x1 = FloatVector.fromArray(F, s, from + 5 * step + LANES);
        FloatVector c6x0 = FloatVector.fromArray(F, s, from + 6 * step);
        FloatVector c6x1 = FloatVector.fromArray(F, s, from + 6 * step + LANES);
        FloatVector c7x0 = FloatVector.fromArray(F, s, from + 7 * step);
        FloatVector c7x1 = FloatVector.fromArray(F, s, from + 7 * step + LANES);
        for (int p = 0; p < k; p++) {
            int ap = aAt + aStep * p;
            int bp = bAt + bStep * p;
            FloatVector b0 = FloatVector.fromArray(F, b, bp);
            FloatVector b1 = FloatVector.fromArray(F, b, bp + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[ap]);
            c0x0 = a0.fma(b0, c0x0);
            c0x1 = a0.fma(b1, c0x1);
            FloatVector a1 = FloatVector.broadcast(F, a[ap + 1]);
            c1x0 = a1.fma(b0, c1x0);
            c1x1 = a1.fma(b1, c1x1);
            FloatVector a2 = FloatVector.broadcast(F, a[ap + 2]);
            c2x0 = a2.fma(b0, c2x0);
            c2x1 = a2.fma(b1, c2x1);
            FloatVector a3 = FloatVector.broadcast(F, a[ap + 3]);
            c3x0 = a3.fma(b0, c3x0);
            c3x1 = a3.fma(b1, c3x1);
            FloatVector a4 = FloatVector.broadcast(F, a[ap + 4]);
            c4x0 = a4.fma(b0, c4x0);
            c4x1 = a4.fma(b1, c4x1);
            FloatVector a5 = FloatVector.broadcast(F, a[ap + 5]);
            c5x0 = a5.fma(b0, c5x0);
            c5x1 = a5.fma(b1, c5x1);
            FloatVector a6 = FloatVector.broadcast(F, a[ap + 6]);
            c6x0 = a6.fma(b0, c6x0);
            c6x1 = a6.fma(b1, c6x1);
            FloatVector a7 = FloatVector.broadcast(F, a[ap + 7]);
            c7x0 = a7.fma(b0, c7x0);
            c7x1 = a7.fma(b1, c7x1);
        }
        c0x0.intoArray(c, cAt);
        c0x1.intoArray(c, cAt + LANES);
        c1x0.intoArray(c, cAt + STRIP);
        c1x1.intoArray(c, cAt + STRIP + LANES);
        c2x0.intoArray(c, cAt + 2 * STRIP);
        c2x1.intoArray(c, cAt + 2 * STRIP + LANES);
        c3x0.intoArray(c, cAt + 3 * STRIP);
        c3x1.intoArray(c, cAt + 3 * STRIP + LANES);
        c4x0.intoArray(c, cAt + 4 * STRIP);
        c4x1.intoArray(c, cAt + 4 * STRIP + LANES);
        c5x0.intoArray(c, cAt + 5 * STRIP);
        c5x1.intoArray(c, cAt + 5 * STRIP + LANES);
        c6x0.intoArray(c, cAt + 6 * STRIP);
        c6x1.intoArray(c, cAt + 6 * STRIP + LANES);
        c7x0.intoArray(c, cAt + 7 * STRIP);
        c7x1.intoArray(c, cAt + 7 * STRIP + LANES);
    }

    private static void rows8(
            int k, float[] a, int aAt, int aRow, float[] b, int bAt, float[] c, int cAt, Update update) {
        float[] s = update == Update.ACCUMULATE ? c : ZEROS;
        int from = update == Update.ACCUMULATE ? cAt : 0;
        int step = update == Update.ACCUMULATE ? STRIP : 0;
        FloatVector c0x0 = FloatVector.fromArray(F, s, from);
        FloatVector c0x1 = FloatVector.fromArray(F, s, from + LANES);
        FloatVector c1x0 = FloatVector.fromArray(F, s, from + step);
        FloatVector c1x1 = FloatVector.fromArray(F, s, from + step + LANES);
        FloatVector c2x0 = FloatVector.fromArray(F, s, from + 2 * step);
        FloatVector c2x1 = FloatVector.fromArray(F, s, from + 2 * step + LANES);
        FloatVector c3x0 = FloatVector.fromArray(F, s, from + 3 * step);
        FloatVector c3x1 = FloatVector.fromArray(F, s, from + 3 * step + LANES);
        FloatVector c4x0 = FloatVector.fromArray(F, s, from + 4 * step);
        FloatVector c4x1 = FloatVector.fromArray(F, s, from + 4 * step + LANES);
        FloatVector c5x0 = FloatVector.fromArray(F, s, from + 5 * step);
        FloatVector c5x1 = FloatVector.fromArray(F, s, from + 5 * step + LANES);
        FloatVector c6x0 = FloatVector.fromArray(F, s, from + 6 * step);
        FloatVector c6x1 = FloatVector.fromArray(F, s, from + 6 * step + LANES);
        FloatVector c7x0 = FloatVector.fromArray(F, s, from + 7 * step);
        FloatVector c7x1 = FloatVector.fromArray(F, s, from + 7 * step + LANES);
        for (int p = 0; p < k; p++) {
            int ap = aAt + p;
            int bp = bAt + STRIP * p;
            FloatVector b0 = FloatVector.fromArray(F, b, bp);
            FloatVector b1 = FloatVector.fromArray(F, b, bp + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[ap]);
            c0x0 = a0.fma(b0, c0x0);
            c0x1 = a0.fma(b1, c0x1);
            FloatVector a1 = FloatVector.broadcast(F, a[ap + aRow]);
            c1x0 = a1.fma(b0, c1x0);
            c1x1 = a1.fma(b1, c1x1);
            FloatVector a2 = FloatVector.broadcast(F, a[ap + 2 * aRow]);
            c2x0 = a2.fma(b0, c2x0);
            c2x1 = a2.fma(b1, c2x1);
            FloatVector a3 = FloatVector.broadcast(F, a[ap + 3 * aRow]);
            c3x0 = a3.fma(b0, c3x0);
            c3x1 = a3.fma(b1, c3x1);
            FloatVector a4 = FloatVector.broadcast(F, a[ap + 4 * aRow]);
            c4x0 = a4.fma(b0, c4x0);
            c4x1 = a4.fma(b1, c4x1);
            FloatVector a5 = FloatVector.broadcast(F, a[ap + 5 * aRow]);
            c5x0 = a5.fma(b0, c5x0);
            c5x1 = a5.fma(b1, c5x1);
            FloatVector a6 = FloatVector.broadcast(F, a[ap + 6 * aRow]);
            c6x0 = a6.fma(b0, c6x0);
            c6x1 = a6.fma(b1, c6x1);
            FloatVector a7 = FloatVector.broadcast(F, a[ap + 7 * aRow]);
            c7x0 = a7.fma(b0, c7x0);
            c7x1 = a7.fma(b1, c7x1);
        }
        c0x0.intoArray(c, cAt);
        c0x1.intoArray(c, cAt + LANES);
        c1x0.intoArray(c, cAt + STRIP);
        c1x1.intoArray(c, cAt + STRIP + LANES);
        c2x0.intoArray(c, cAt + 2 * STRIP);
        c2x1.intoArray(c, cAt + 2 * STRIP + LANES);
        c3x0.intoArray(c, cAt + 3 * STRIP);
        c3x1.intoArray(c, cAt + 3 * STRIP + LANES);
        c4x0.intoArray(c, cAt + 4 * STRIP);
        c4x1.intoArray(c, cAt + 4 * STRIP + LANES);
        c5x0.intoArray(c, cAt + 5 * STRIP);
        c5x1.intoArray(c, cAt + 5 * STRIP + LANES);
        c6x0.intoArray(c, cAt + 6 * STRIP);
        c6x1.intoArray(c, cAt + 6 * STRIP + LANES);
        c7x0.intoArray(c, cAt + 7 * STRIP);
        c7x1.intoArray(c, cAt + 7 * STRIP + LANES);
    }

    private static void turned4(
            int k, float[] a, int aAt, int aStep, float[] b, int bAt, int bStep, float[] c, int cAt, Update update) {
        float[] s = update == Update.ACCUMULATE ? c : ZEROS;
        int from = update == Update.ACCUMULATE ? cAt : 0;
        int step = update == Update.ACCUMULATE ? STRIP : 0;
        FloatVector c0x0 = FloatVector.fromArray(F, s, from);
        FloatVector c0x1 = FloatVector.fromArray(F, s, from + LANES);
        FloatVector c1x0 = FloatVector.fromArray(F, s, from + step);
        FloatVector c1x1 = FloatVector.fromArray(F, s, from + step + LANES);
        FloatVector c2x0 = FloatVector.fromArray(F, s, from + 2 * step);
        FloatVector c2x1 = FloatVector.fromArray(F, s, from + 2 * step + LANES);
        FloatVector c3x0 = FloatVector.fromArray(F, s, from + 3 * step);
        FloatVector c3x1 = FloatVector.fromArray(F, s, from + 3 * step + LANES);
        for (int p = 0; p < k; p++) {
            int ap = aAt + aStep * p;
            int bp = bAt + bStep * p;
            FloatVector b0 = FloatVector.fromArray(F, b, bp);
            FloatVector b1 = FloatVector.fromArray(F, b, bp + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[ap]);
            c0x0 = a0.fma(b0, c0x0);
            c0x1 = a0.fma(b1, c0x1);
            FloatVector a1 = FloatVector.broadcast(F, a[ap + 1]);
            c1x0 = a1.fma(b0, c1x0);
            c1x1 = a1.fma(b1, c1x1);
            FloatVector a2 = FloatVector.broadcast(F, a[ap + 2]);
            c2x0 = a2.fma(b0, c2x0);
            c2x1 = a2.fma(b1, c2x1);
            FloatVector a3 = FloatVector.broadcast(F, a[ap + 3]);
            c3x0 = a3.fma(b0, c3x0);
            c3x1 = a3.fma(b1, c3x1);
        }
        c0x0.intoArray(c, cAt);
        c0x1.intoArray(c, cAt + LANES);
        c1x0.intoArray(c, cAt + STRIP);
        c1x1.intoArray(c, cAt + STRIP + LANES);
        c2x0.intoArray(c, cAt + 2 * STRIP);
        c2x1.intoArray(c, cAt + 2 * STRIP + LANES);
        c3x0.intoArray(c, cAt + 3 * STRIP);
        c3x1.intoArray(c, cAt + 3 * STRIP + LANES);
    }

    private static void rows4(
            int k, float[] a, int aAt, int aRow, float[] b, int bAt, float[] c, int cAt, Update update) {
        float[] s = update == Update.ACCUMULATE ? c : ZEROS;
        int from = update == Update.ACCUMULATE ? cAt : 0;
        int step = update == Update.ACCUMULATE ? STRIP : 0;
        FloatVector c0x0 = FloatVector.fromArray(F, s, from);
        FloatVector c0x1 = FloatVector.fromArray(F, s, from + LANES);
        FloatVector c1x0 = FloatVector.fromArray(F, s, from + step);
        FloatVector c1x1 = FloatVector.fromArray(F, s, from + step + LANES);
        FloatVector c2x0 = FloatVector.fromArray(F, s, from + 2 * step);
        FloatVector c2x1 = FloatVector.fromArray(F, s, from + 2 * step + LANES);
        FloatVector c3x0 = FloatVector.fromArray(F, s, from + 3 * step);
        FloatVector c3x1 = FloatVector.fromArray(F, s, from + 3 * step + LANES);
        for (int p = 0; p < k; p++) {
            int ap = aAt + p;
            int bp = bAt + STRIP * p;
            FloatVector b0 = FloatVector.fromArray(F, b, bp);
            FloatVector b1 = FloatVector.fromArray(F, b, bp + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[ap]);
            c0x0 = a0.fma(b0, c0x0);
            c0x1 = a0.fma(b1, c0x1);
            FloatVector a1 = FloatVector.broadcast(F, a[ap + aRow]);
            c1x0 = a1.fma(b0, c1x0);
            c1x1 = a1.fma(b1, c1x1);
            FloatVector a2 = FloatVector.broadcast(F, a[ap + 2 * aRow]);
            c2x0 = a2.fma(b0, c2x0);
            c2x1 = a2.fma(b1, c2x1);
            FloatVector a3 = FloatVector.broadcast(F, a[ap + 3 * aRow]);
            c3x0 = a3.fma(b0, c3x0);
            c3x1 = a3.fma(b1, c3x1);
        }
        c0x0.intoArray(c, cAt);
        c0x1.intoArray(c, cAt + LANES);
        c1x0.intoArray(c, cAt + STRIP);
        c1x1.intoArray(c, cAt + STRIP + LANES);
        c2x0.intoArray(c, cAt + 2 * STRIP);
        c2x1.intoArray(c, cAt + 2 * STRIP + LANES);
        c3x0.intoArray(c, cAt + 3 * STRIP);
        c3x1.intoArray(c, cAt + 3 * STRIP + LANES);
    }
}
