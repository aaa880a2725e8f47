package org.filigree.core.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Turns four rows into groups of four floats, one group for each column, by transposing blocks of 4 × 4 in registers:
 * rows 2 and then 1 apart exchange the lanes that lie as far apart.
 */
final class TransposeKernel {
    /** Rows that one call takes. */
    static final int ROWS = 4;

    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_128;
    private static final VectorShuffle<Float> SWAP_PAIRS = VectorShuffle.fromOp(SPECIES, lane -> lane ^ 2);
    private static final VectorShuffle<Float> SWAP_NEIGHBOURS = VectorShuffle.fromOp(SPECIES, lane -> lane ^ 1);
    private static final VectorMask<Float> ODD_PAIR = VectorMask.fromLong(SPECIES, 0b1100);
    private static final VectorMask<Float> ODD = VectorMask.fromLong(SPECIES, 0b1010);

    private TransposeKernel() {}

    /**
     * Writes {@code to[toOff + p * toStride + row] = from[fromOff + row * fromStride + p]} for four rows and
     * {@code columns} columns.
     */
    static void fourRows(int columns, float[] from, int fromOff, int fromStride, float[] to, int toOff, int toStride) {
        int row1 = fromOff + fromStride;
        int row2 = row1 + fromStride;
        int row3 = row2 + fromStride;
        int p = 0;
        for (int end = columns - 4; p <= end; p += 4) {
            FloatVector r0 = FloatVector.fromArray(SPECIES, from, fromOff + p);
            FloatVector r1 = FloatVector.fromArray(SPECIES, from, row1 + p);
            FloatVector r2 = FloatVector.fromArray(SPECIES, from, row2 + p);
            FloatVector r3 = FloatVector.fromArray(SPECIES, from, row3 + p);
            FloatVector t0 = r0.blend(r2.rearrange(SWAP_PAIRS), ODD_PAIR);
            FloatVector t1 = r1.blend(r3.rearrange(SWAP_PAIRS), ODD_PAIR);
            FloatVector t2 = r0.rearrange(SWAP_PAIRS).blend(r2, ODD_PAIR);
            FloatVector t3 = r1.rearrange(SWAP_PAIRS).blend(r3, ODD_PAIR);
            int target = toOff + p * toStride;
            t0.blend(t1.rearrange(SWAP_NEIGHBOURS), ODD).intoArray(to, target);
            t0.rearrange(SWAP_NEIGHBOURS).blend(t1, ODD).intoArray(to, target + toStride);
            t2.blend(t3.rearrange(SWAP_NEIGHBOURS), ODD).intoArray(to, target + 2 * toStride);
            t2.rearrange(SWAP_NEIGHBOURS).blend(t3, ODD).intoArray(to, target + 3 * toStride);
        }
        for (; p < columns; p++) {
            int target = toOff + p * toStride;
            to[target] = from[fromOff + p];
            to[target + 1] = from[row1 + p];
            to[target + 2] = from[row2 + p];
            to[target + 3] = from[row3 + p];
        }
    }
}
