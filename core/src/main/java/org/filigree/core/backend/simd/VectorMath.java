package org.filigree.core.backend.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The width of vectors, and their sums.
 *
 * <p>A rule for all kernels here: loops call nothing that takes or returns vectors, but for the Vector API itself. Each of its operations
 * costs the compiler some 400 nodes, and past 18 000 in one compiled method it stops inlining whatever is not marked for it as the Vector
 * API is; vectors that cross such a call are boxed, and the loop is ten times as slow. So a function of vectors is a loop over arrays.
 */
public final class VectorMath {
    /** The widest vectors of the machine. */
    public static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    /** Floats in a vector, a power of two. */
    public static final int LANES = F.length();

    // A field for each distance, not an array of them: the compiler sees through constants only.
    private static final VectorShuffle<Float> FOLD_32 = fold(32);
    private static final VectorShuffle<Float> FOLD_16 = fold(16);
    private static final VectorShuffle<Float> FOLD_8 = fold(8);
    private static final VectorShuffle<Float> FOLD_4 = fold(4);
    private static final VectorShuffle<Float> FOLD_2 = fold(2);
    private static final VectorShuffle<Float> FOLD_1 = fold(1);

    private VectorMath() {}

    private static VectorShuffle<Float> fold(int distance) {
        return VectorShuffle.fromOp(F, lane -> (lane + distance) % LANES);
    }

    /**
     * The sum of all lanes, folded in halves: {@code reduceLanes} gives other last bits before and after compilation, and results must
     * not depend on when the compiler gets to a loop. Vectors have 64 lanes at most.
     *
     * @param x a vector
     * @return the sum of its lanes
     */
    public static float sum(FloatVector x) {
        FloatVector folded = x;
        if (LANES > 32) {
            folded = folded.add(folded.rearrange(FOLD_32));
        }
        if (LANES > 16) {
            folded = folded.add(folded.rearrange(FOLD_16));
        }
        if (LANES > 8) {
            folded = folded.add(folded.rearrange(FOLD_8));
        }
        if (LANES > 4) {
            folded = folded.add(folded.rearrange(FOLD_4));
        }
        if (LANES > 2) {
            folded = folded.add(folded.rearrange(FOLD_2));
        }
        if (LANES > 1) {
            folded = folded.add(folded.rearrange(FOLD_1));
        }
        return folded.lane(0);
    }
}
