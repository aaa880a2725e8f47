package org.filigree.attention;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import org.filigree.core.backend.simd.TileProducts;

/**
 * Products of four heads and the keys of a tile, all in rows, with vectors along the channels, so that any number of heads fills them. Where
 * vectors have 512 bits, and with them come 32 registers, six keys share a tile of registers: ten loads serve 24 multiply-adds, which
 * matters since rows of a Java array seldom begin where a cache line does and most loads touch two. The lanes of sixteen products are
 * summed together.
 */
final class HeadProducts {
    /** Heads of a tile. */
    static final int HEADS = TileProducts.TILE;

    /** A tile of keys has room for a multiple of so many, whatever it holds. */
    static final int KEYS = 48;

    private static final int WIDE = 16;
    private static final int KEYS_OF_WIDE = 6;

    private static final VectorShuffle<Float> SWAP_EIGHT = swap(8);
    private static final VectorShuffle<Float> SWAP_FOUR = swap(4);
    private static final VectorShuffle<Float> SWAP_TWO = swap(2);
    private static final VectorShuffle<Float> SWAP_ONE = swap(1);
    private static final VectorMask<Float> HAS_EIGHT = lanesWith(8);
    private static final VectorMask<Float> HAS_FOUR = lanesWith(4);
    private static final VectorMask<Float> HAS_TWO = lanesWith(2);
    private static final VectorMask<Float> HAS_ONE = lanesWith(1);

    /** [HEADS, KEYS] vectors, whose lanes are still to be summed. */
    private final float[] lanes = new float[HEADS * KEYS * LANES];

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(F, lane -> (lane ^ distance) % LANES);
    }

    private static VectorMask<Float> lanesWith(int bit) {
        boolean[] those = new boolean[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            those[lane] = (lane & bit) != 0;
        }
        return VectorMask.fromArray(F, those, 0);
    }

    /**
     * product[i, j] = q_i·k_j. What stands behind the last key is overwritten up to a whole vector.
     *
     * @param q holds heads
     * @param q0 where the first begins
     * @param q1 the second
     * @param q2 the third
     * @param q3 the fourth
     * @param k a tile of keys [.., width]
     * @param width channels, a multiple of the lanes
     * @param count how many keys
     * @param product gets [HEADS, stride]
     * @param at its first element
     * @param stride from a head to the next
     */
    void of(
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            float[] k,
            int width,
            int count,
            float[] product,
            int at,
            int stride) {
        if (LANES != WIDE) {
            byFourKeys(q, q0, q1, q2, q3, k, width, count, product, at, stride);
            return;
        }
        for (int first = 0; first < count; first += KEYS) {
            int some = Math.min(KEYS, count - first);
            for (int j = 0; j < some; j += KEYS_OF_WIDE) {
                sixKeys(q, q0, q1, q2, q3, k, (first + j) * width, width, lanes, j * LANES);
            }
            for (int i = 0; i < HEADS; i++) {
                for (int j = 0; j < some; j += WIDE) {
                    fold(lanes, (i * KEYS + j) * LANES, product, at + i * stride + first + j);
                }
            }
        }
    }

    private void byFourKeys(
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            float[] k,
            int width,
            int count,
            float[] product,
            int at,
            int stride) {
        for (int j = 0; j < count; j += TileProducts.TILE) {
            int from = j * width;
            TileProducts.laneSums(
                    q, q0, q1, q2, q3, k, from, from + width, from + 2 * width, from + 3 * width, width, lanes);
            for (int i = 0; i < HEADS; i++) {
                int row = i * TileProducts.TILE * LANES;
                TileProducts.fold(lanes, row, TileProducts.TILE, 0, product, at + i * stride + j);
            }
        }
    }

    private static void sixKeys(
            float[] q, int q0, int q1, int q2, int q3, float[] k, int kAt, int width, float[] lanes, int at) {
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = s00;
        FloatVector s02 = s00;
        FloatVector s03 = s00;
        FloatVector s04 = s00;
        FloatVector s05 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s12 = s00;
        FloatVector s13 = s00;
        FloatVector s14 = s00;
        FloatVector s15 = s00;
        FloatVector s20 = s00;
        FloatVector s21 = s00;
        FloatVector s22 = s00;
        FloatVector s23 = s00;
        FloatVector s24 = s00;
        FloatVector s25 = s00;
        FloatVector s30 = s00;
        FloatVector s31 = s00;
        FloatVector s32 = s00;
        FloatVector s33 = s00;
        FloatVector s34 = s00;
        FloatVector s35 = s00;
        for (int c = 0; c < width; c += LANES) {
            FloatVector k0 = FloatVector.fromArray(F, k, kAt + c);
            FloatVector k1 = FloatVector.fromArray(F, k, kAt + c + width);
            FloatVector k2 = FloatVector.fromArray(F, k, kAt + c + 2 * width);
            FloatVector k3 = FloatVector.fromArray(F, k, kAt + c + 3 * width);
            FloatVector k4 = FloatVector.fromArray(F, k, kAt + c + 4 * width);
            FloatVector k5 = FloatVector.fromArray(F, k, kAt + c + 5 * width);
            FloatVector x0 = FloatVector.fromArray(F, q, q0 + c);
            s00 = x0.fma(k0, s00);
            s01 = x0.fma(k1, s01);
            s02 = x0.fma(k2, s02);
            s03 = x0.fma(k3, s03);
            s04 = x0.fma(k4, s04);
            s05 = x0.fma(k5, s05);
            FloatVector x1 = FloatVector.fromArray(F, q, q1 + c);
            s10 = x1.fma(k0, s10);
            s11 = x1.fma(k1, s11);
            s12 = x1.fma(k2, s12);
            s13 = x1.fma(k3, s13);
            s14 = x1.fma(k4, s14);
            s15 = x1.fma(k5, s15);
            FloatVector x2 = FloatVector.fromArray(F, q, q2 + c);
            s20 = x2.fma(k0, s20);
            s21 = x2.fma(k1, s21);
            s22 = x2.fma(k2, s22);
            s23 = x2.fma(k3, s23);
            s24 = x2.fma(k4, s24);
            s25 = x2.fma(k5, s25);
            FloatVector x3 = FloatVector.fromArray(F, q, q3 + c);
            s30 = x3.fma(k0, s30);
            s31 = x3.fma(k1, s31);
            s32 = x3.fma(k2, s32);
            s33 = x3.fma(k3, s33);
            s34 = x3.fma(k4, s34);
            s35 = x3.fma(k5, s35);
        }
        int step = KEYS * LANES;
        s00.intoArray(lanes, at);
        s01.intoArray(lanes, at + LANES);
        s02.intoArray(lanes, at + 2 * LANES);
        s03.intoArray(lanes, at + 3 * LANES);
        s04.intoArray(lanes, at + 4 * LANES);
        s05.intoArray(lanes, at + 5 * LANES);
        s10.intoArray(lanes, at + step);
        s11.intoArray(lanes, at + step + LANES);
        s12.intoArray(lanes, at + step + 2 * LANES);
        s13.intoArray(lanes, at + step + 3 * LANES);
        s14.intoArray(lanes, at + step + 4 * LANES);
        s15.intoArray(lanes, at + step + 5 * LANES);
        s20.intoArray(lanes, at + 2 * step);
        s21.intoArray(lanes, at + 2 * step + LANES);
        s22.intoArray(lanes, at + 2 * step + 2 * LANES);
        s23.intoArray(lanes, at + 2 * step + 3 * LANES);
        s24.intoArray(lanes, at + 2 * step + 4 * LANES);
        s25.intoArray(lanes, at + 2 * step + 5 * LANES);
        s30.intoArray(lanes, at + 3 * step);
        s31.intoArray(lanes, at + 3 * step + LANES);
        s32.intoArray(lanes, at + 3 * step + 2 * LANES);
        s33.intoArray(lanes, at + 3 * step + 3 * LANES);
        s34.intoArray(lanes, at + 3 * step + 4 * LANES);
        s35.intoArray(lanes, at + 3 * step + 5 * LANES);
    }

    /**
     * The sums of sixteen vectors of sixteen lanes, in a fixed tree: in each round two vectors exchange the lanes in which a bit is not theirs. Two
     * rounds in a loop, since all four written out keep the compiler busy for a second.
     */
    private static void fold(float[] lanes, int at, float[] out, int outAt) {
        for (int i = at; i < at + 4 * LANES; i += LANES) {
            FloatVector x0 = FloatVector.fromArray(F, lanes, i);
            FloatVector x1 = FloatVector.fromArray(F, lanes, i + 4 * LANES);
            FloatVector x2 = FloatVector.fromArray(F, lanes, i + 8 * LANES);
            FloatVector x3 = FloatVector.fromArray(F, lanes, i + 12 * LANES);
            FloatVector even =
                    x0.blend(x2, HAS_EIGHT).add(x2.blend(x0, HAS_EIGHT).rearrange(SWAP_EIGHT));
            FloatVector odd =
                    x1.blend(x3, HAS_EIGHT).add(x3.blend(x1, HAS_EIGHT).rearrange(SWAP_EIGHT));
            even.blend(odd, HAS_FOUR)
                    .add(odd.blend(even, HAS_FOUR).rearrange(SWAP_FOUR))
                    .intoArray(lanes, i);
        }
        FloatVector x0 = FloatVector.fromArray(F, lanes, at);
        FloatVector x1 = FloatVector.fromArray(F, lanes, at + LANES);
        FloatVector x2 = FloatVector.fromArray(F, lanes, at + 2 * LANES);
        FloatVector x3 = FloatVector.fromArray(F, lanes, at + 3 * LANES);
        FloatVector even = x0.blend(x2, HAS_TWO).add(x2.blend(x0, HAS_TWO).rearrange(SWAP_TWO));
        FloatVector odd = x1.blend(x3, HAS_TWO).add(x3.blend(x1, HAS_TWO).rearrange(SWAP_TWO));
        even.blend(odd, HAS_ONE)
                .add(odd.blend(even, HAS_ONE).rearrange(SWAP_ONE))
                .intoArray(out, outAt);
    }
}
