package org.filigree.core.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loops of the matrix product: a tile of C held in registers while k runs.
 *
 * <p>Every element of the tile is one chain of fused multiply-adds in the order of k, whatever the tile's height, so the
 * choice of tile never shows in a result. No vector crosses a call: where a method is too large for the compiler to inline
 * a callee, vectors passed to it are boxed, and the loop runs a hundred times slower. A comes packed, k-major ({@code a[p * height + row]}); B is read in rows of
 * {@link #STRIP} columns that lie {@code bStride} apart.
 */
final class TileKernel {
    static final VectorSpecies<Float> SPECIES =
            FloatVector.SPECIES_PREFERRED.length() >= 4 ? FloatVector.SPECIES_PREFERRED : FloatVector.SPECIES_128;
    static final int LANES = SPECIES.length();

    /** Columns of a tile. */
    static final int STRIP = 2 * LANES;

    /**
     * Rows of the tallest tile. Twelve rows of two vectors leave room for a row of B and a broadcast in the 32 registers
     * that come with 512-bit vectors; narrower vectors may have 16 registers, where four rows fit.
     */
    static final int TALLEST = LANES >= 16 ? 12 : 4;

    /** Room for one tile, for edges that are computed aside and copied in part. */
    static final int TILE_FLOATS = TALLEST * STRIP;

    /**
     * Where a tile of an overwritten C begins. Reading this instead of branching keeps one small loop-free path: a branch
     * would double the method, and a case first seen late would throw the compiled kernel away.
     */
    private static final float[] ZEROS = new float[STRIP];

    private TileKernel() {}

    /** The tile height for the next rows when {@code rowsLeft} remain; the last tile may be taller than what remains. */
    static int height(int rowsLeft) {
        if (TALLEST == 4 || rowsLeft <= 4) {
            return 4;
        }
        return rowsLeft <= 8 ? 8 : 12;
    }

    /** Runs the tile of the given height (4, 8 or 12). */
    static void run(
            int height,
            int k,
            float[] a,
            int aOff,
            float[] b,
            int bOff,
            int bStride,
            float[] c,
            int cOff,
            int ldc,
            Update update) {
        switch (height) {
            case 12 -> rows12(k, a, aOff, b, bOff, bStride, c, cOff, ldc, update);
            case 8 -> rows8(k, a, aOff, b, bOff, bStride, c, cOff, ldc, update);
            default -> rows4(k, a, aOff, b, bOff, bStride, c, cOff, ldc, update);
        }
    }

    /** C[12, STRIP] from 12 packed rows of A and one strip of B. */
    static void rows12(
            int k, float[] a, int aOff, float[] b, int bOff, int bStride, float[] c, int cOff, int ldc, Update update) {
        float[] s = update == Update.ACCUMULATE ? c : ZEROS;
        int sOff = update == Update.ACCUMULATE ? cOff : 0;
        int lds = update == Update.ACCUMULATE ? ldc : 0;
        FloatVector c0x0 = FloatVector.fromArray(SPECIES, s, sOff);
        FloatVector c0x1 = FloatVector.fromArray(SPECIES, s, sOff + LANES);
        FloatVector c1x0 = FloatVector.fromArray(SPECIES, s, sOff + lds);
        FloatVector c1x1 = FloatVector.fromArray(SPECIES, s, sOff + lds + LANES);
        FloatVector c2x0 = FloatVector.fromArray(SPECIES, s, sOff + 2 * lds);
        FloatVector c2x1 = FloatVector.fromArray(SPECIES, s, sOff + 2 * lds + LANES);
        FloatVector c3x0 = FloatVector.fromArray(SPECIES, s, sOff + 3 * lds);
        FloatVector c3x1 = FloatVector.fromArray(SPECIES, s, sOff + 3 * lds + LANES);
        FloatVector c4x0 = FloatVector.fromArray(SPECIES, s, sOff + 4 * lds);
        FloatVector c4x1 = FloatVector.fromArray(SPECIES, s, sOff + 4 * lds + LANES);
        FloatVector c5x0 = FloatVector.fromArray(SPECIES, s, sOff + 5 * lds);
        FloatVector c5x1 = FloatVector.fromArray(SPECIES, s, sOff + 5 * lds + LANES);
        FloatVector c6x0 = FloatVector.fromArray(SPECIES, s, sOff + 6 * lds);
        FloatVector c6x1 = FloatVector.fromArray(SPECIES, s, sOff + 6 * lds + LANES);
        FloatVector c7x0 = FloatVector.fromArray(SPECIES, s, sOff + 7 * lds);
        FloatVector c7x1 = FloatVector.fromArray(SPECIES, s, sOff + 7 * lds + LANES);
        FloatVector c8x0 = FloatVector.fromArray(SPECIES, s, sOff + 8 * lds);
        FloatVector c8x1 = FloatVector.fromArray(SPECIES, s, sOff + 8 * lds + LANES);
        FloatVector c9x0 = FloatVector.fromArray(SPECIES, s, sOff + 9 * lds);
        FloatVector c9x1 = FloatVector.fromArray(SPECIES, s, sOff + 9 * lds + LANES);
        FloatVector c10x0 = FloatVector.fromArray(SPECIES, s, sOff + 10 * lds);
        FloatVector c10x1 = FloatVector.fromArray(SPECIES, s, sOff + 10 * lds + LANES);
        FloatVector c11x0 = FloatVector.fromArray(SPECIES, s, sOff + 11 * lds);
        FloatVector c11x1 = FloatVector.fromArray(SPECIES, s, sOff + 11 * lds + LANES);
        for (int p = 0; p < k; p++) {
            int ap = aOff + 12 * p;
            int bp = bOff + bStride * p;
            FloatVector b0 = FloatVector.fromArray(SPECIES, b, bp);
            FloatVector b1 = FloatVector.fromArray(SPECIES, b, bp + LANES);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[ap]);
            c0x0 = a0.fma(b0, c0x0);
            c0x1 = a0.fma(b1, c0x1);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[ap + 1]);
            c1x0 = a1.fma(b0, c1x0);
            c1x1 = a1.fma(b1, c1x1);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[ap + 2]);
            c2x0 = a2.fma(b0, c2x0);
            c2x1 = a2.fma(b1, c2x1);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[ap + 3]);
            c3x0 = a3.fma(b0, c3x0);
            c3x1 = a3.fma(b1, c3x1);
            FloatVector a4 = FloatVector.broadcast(SPECIES, a[ap + 4]);
            c4x0 = a4.fma(b0, c4x0);
            c4x1 = a4.fma(b1, c4x1);
            FloatVector a5 = FloatVector.broadcast(SPECIES, a[ap + 5]);
            c5x0 = a5.fma(b0, c5x0);
            c5x1 = a5.fma(b1, c5x1);
            FloatVector a6 = FloatVector.broadcast(SPECIES, a[ap + 6]);
            c6x0 = a6.fma(b0, c6x0);
            c6x1 = a6.fma(b1, c6x1);
            FloatVector a7 = FloatVector.broadcast(SPECIES, a[ap + 7]);
            c7x0 = a7.fma(b0, c7x0);
            c7x1 = a7.fma(b1, c7x1);
            FloatVector a8 = FloatVector.broadcast(SPECIES, a[ap + 8]);
            c8x0 = a8.fma(b0, c8x0);
            c8x1 = a8.fma(b1, c8x1);
            FloatVector a9 = FloatVector.broadcast(SPECIES, a[ap + 9]);
            c9x0 = a9.fma(b0, c9x0);
            c9x1 = a9.fma(b1, c9x1);
            FloatVector a10 = FloatVector.broadcast(SPECIES, a[ap + 10]);
            c10x0 = a10.fma(b0, c10x0);
            c10x1 = a10.fma(b1, c10x1);
            FloatVector a11 = FloatVector.broadcast(SPECIES, a[ap + 11]);
            c11x0 = a11.fma(b0, c11x0);
            c11x1 = a11.fma(b1, c11x1);
        }
        c0x0.intoArray(c, cOff);
        c0x1.intoArray(c, cOff + LANES);
        c1x0.intoArray(c, cOff + ldc);
        c1x1.intoArray(c, cOff + ldc + LANES);
        c2x0.intoArray(c, cOff + 2 * ldc);
        c2x1.intoArray(c, cOff + 2 * ldc + LANES);
        c3x0.intoArray(c, cOff + 3 * ldc);
        c3x1.intoArray(c, cOff + 3 * ldc + LANES);
        c4x0.intoArray(c, cOff + 4 * ldc);
        c4x1.intoArray(c, cOff + 4 * ldc + LANES);
        c5x0.intoArray(c, cOff + 5 * ldc);
        c5x1.intoArray(c, cOff + 5 * ldc + LANES);
        c6x0.intoArray(c, cOff + 6 * ldc);
        c6x1.intoArray(c, cOff + 6 * ldc + LANES);
        c7x0.intoArray(c, cOff + 7 * ldc);
        c7x1.intoArray(c, cOff + 7 * ldc + LANES);
        c8x0.intoArray(c, cOff + 8 * ldc);
        c8x1.intoArray(c, cOff + 8 * ldc + LANES);
        c9x0.intoArray(c, cOff + 9 * ldc);
        c9x1.intoArray(c, cOff + 9 * ldc + LANES);
        c10x0.intoArray(c, cOff + 10 * ldc);
        c10x1.intoArray(c, cOff + 10 * ldc + LANES);
        c11x0.intoArray(c, cOff + 11 * ldc);
        c11x1.intoArray(c, cOff + 11 * ldc + LANES);
    }

    /** C[8, STRIP] from 8 packed rows of A and one strip of B. */
    static void rows8(
            int k, float[] a, int aOff, float[] b, int bOff, int bStride, float[] c, int cOff, int ldc, Update update) {
        float[] s = update == Update.ACCUMULATE ? c : ZEROS;
        int sOff = update == Update.ACCUMULATE ? cOff : 0;
        int lds = update == Update.ACCUMULATE ? ldc : 0;
        FloatVector c0x0 = FloatVector.fromArray(SPECIES, s, sOff);
        FloatVector c0x1 = FloatVector.fromArray(SPECIES, s, sOff + LANES);
        FloatVector c1x0 = FloatVector.fromArray(SPECIES, s, sOff + lds);
        FloatVector c1x1 = FloatVector.fromArray(SPECIES, s, sOff + lds + LANES);
        FloatVector c2x0 = FloatVector.fromArray(SPECIES, s, sOff + 2 * lds);
        FloatVector c2x1 = FloatVector.fromArray(SPECIES, s, sOff + 2 * lds + LANES);
        FloatVector c3x0 = FloatVector.fromArray(SPECIES, s, sOff + 3 * lds);
        FloatVector c3x1 = FloatVector.fromArray(SPECIES, s, sOff + 3 * lds + LANES);
        FloatVector c4x0 = FloatVector.fromArray(SPECIES, s, sOff + 4 * lds);
        FloatVector c4x1 = FloatVector.fromArray(SPECIES, s, sOff + 4 * lds + LANES);
        FloatVector c5x0 = FloatVector.fromArray(SPECIES, s, sOff + 5 * lds);
        FloatVector c5x1 = FloatVector.fromArray(SPECIES, s, sOff + 5 * lds + LANES);
        FloatVector c6x0 = FloatVector.fromArray(SPECIES, s, sOff + 6 * lds);
        FloatVector c6x1 = FloatVector.fromArray(SPECIES, s, sOff + 6 * lds + LANES);
        FloatVector c7x0 = FloatVector.fromArray(SPECIES, s, sOff + 7 * lds);
        FloatVector c7x1 = FloatVector.fromArray(SPECIES, s, sOff + 7 * lds + LANES);
        for (int p = 0; p < k; p++) {
            int ap = aOff + 8 * p;
            int bp = bOff + bStride * p;
            FloatVector b0 = FloatVector.fromArray(SPECIES, b, bp);
            FloatVector b1 = FloatVector.fromArray(SPECIES, b, bp + LANES);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[ap]);
            c0x0 = a0.fma(b0, c0x0);
            c0x1 = a0.fma(b1, c0x1);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[ap + 1]);
            c1x0 = a1.fma(b0, c1x0);
            c1x1 = a1.fma(b1, c1x1);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[ap + 2]);
            c2x0 = a2.fma(b0, c2x0);
            c2x1 = a2.fma(b1, c2x1);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[ap + 3]);
            c3x0 = a3.fma(b0, c3x0);
            c3x1 = a3.fma(b1, c3x1);
            FloatVector a4 = FloatVector.broadcast(SPECIES, a[ap + 4]);
            c4x0 = a4.fma(b0, c4x0);
            c4x1 = a4.fma(b1, c4x1);
            FloatVector a5 = FloatVector.broadcast(SPECIES, a[ap + 5]);
            c5x0 = a5.fma(b0, c5x0);
            c5x1 = a5.fma(b1, c5x1);
            FloatVector a6 = FloatVector.broadcast(SPECIES, a[ap + 6]);
            c6x0 = a6.fma(b0, c6x0);
            c6x1 = a6.fma(b1, c6x1);
            FloatVector a7 = FloatVector.broadcast(SPECIES, a[ap + 7]);
            c7x0 = a7.fma(b0, c7x0);
            c7x1 = a7.fma(b1, c7x1);
        }
        c0x0.intoArray(c, cOff);
        c0x1.intoArray(c, cOff + LANES);
        c1x0.intoArray(c, cOff + ldc);
        c1x1.intoArray(c, cOff + ldc + LANES);
        c2x0.intoArray(c, cOff + 2 * ldc);
        c2x1.intoArray(c, cOff + 2 * ldc + LANES);
        c3x0.intoArray(c, cOff + 3 * ldc);
        c3x1.intoArray(c, cOff + 3 * ldc + LANES);
        c4x0.intoArray(c, cOff + 4 * ldc);
        c4x1.intoArray(c, cOff + 4 * ldc + LANES);
        c5x0.intoArray(c, cOff + 5 * ldc);
        c5x1.intoArray(c, cOff + 5 * ldc + LANES);
        c6x0.intoArray(c, cOff + 6 * ldc);
        c6x1.intoArray(c, cOff + 6 * ldc + LANES);
        c7x0.intoArray(c, cOff + 7 * ldc);
        c7x1.intoArray(c, cOff + 7 * ldc + LANES);
    }

    /** C[4, STRIP] from 4 packed rows of A and one strip of B. */
    static void rows4(
            int k, float[] a, int aOff, float[] b, int bOff, int bStride, float[] c, int cOff, int ldc, Update update) {
        float[] s = update == Update.ACCUMULATE ? c : ZEROS;
        int sOff = update == Update.ACCUMULATE ? cOff : 0;
        int lds = update == Update.ACCUMULATE ? ldc : 0;
        FloatVector c0x0 = FloatVector.fromArray(SPECIES, s, sOff);
        FloatVector c0x1 = FloatVector.fromArray(SPECIES, s, sOff + LANES);
        FloatVector c1x0 = FloatVector.fromArray(SPECIES, s, sOff + lds);
        FloatVector c1x1 = FloatVector.fromArray(SPECIES, s, sOff + lds + LANES);
        FloatVector c2x0 = FloatVector.fromArray(SPECIES, s, sOff + 2 * lds);
        FloatVector c2x1 = FloatVector.fromArray(SPECIES, s, sOff + 2 * lds + LANES);
        FloatVector c3x0 = FloatVector.fromArray(SPECIES, s, sOff + 3 * lds);
        FloatVector c3x1 = FloatVector.fromArray(SPECIES, s, sOff + 3 * lds + LANES);
        for (int p = 0; p < k; p++) {
            int ap = aOff + 4 * p;
            int bp = bOff + bStride * p;
            FloatVector b0 = FloatVector.fromArray(SPECIES, b, bp);
            FloatVector b1 = FloatVector.fromArray(SPECIES, b, bp + LANES);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[ap]);
            c0x0 = a0.fma(b0, c0x0);
            c0x1 = a0.fma(b1, c0x1);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[ap + 1]);
            c1x0 = a1.fma(b0, c1x0);
            c1x1 = a1.fma(b1, c1x1);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[ap + 2]);
            c2x0 = a2.fma(b0, c2x0);
            c2x1 = a2.fma(b1, c2x1);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[ap + 3]);
            c3x0 = a3.fma(b0, c3x0);
            c3x1 = a3.fma(b1, c3x1);
        }
        c0x0.intoArray(c, cOff);
        c0x1.intoArray(c, cOff + LANES);
        c1x0.intoArray(c, cOff + ldc);
        c1x1.intoArray(c, cOff + ldc + LANES);
        c2x0.intoArray(c, cOff + 2 * ldc);
        c2x1.intoArray(c, cOff + 2 * ldc + LANES);
        c3x0.intoArray(c, cOff + 3 * ldc);
        c3x1.intoArray(c, cOff + 3 * ldc + LANES);
    }
}
