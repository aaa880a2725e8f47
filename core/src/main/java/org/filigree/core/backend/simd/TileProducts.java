package org.filigree.core.backend.simd;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Products of few rows with few rows, four by four: sixteen sums in registers and eight loads for sixteen fused multiply-adds. For fused
 * kernels whose operands pass through the caches once and are too thin for a general matrix product. Where fewer than four rows are
 * left, callers name the last one again: a row named twice gets the same result twice.
 */
public final class TileProducts {
    /** Floats of a panel, four vectors; lengths here are multiples of it unless said. */
    public static final int PANEL = 4 * LANES;

    /** Rows of a tile. */
    public static final int TILE = 4;

    /** Floats that {@link #dots} needs to work in. */
    public static final int SUMS = TILE * TILE * LANES;

    private static final VectorShuffle<Float> SWAP_HALVES = swap(LANES / 2);
    private static final VectorShuffle<Float> SWAP_QUARTERS = swap(LANES / 4);
    private static final VectorShuffle<Float> SWAP_EIGHTHS = swap(LANES / 8);
    private static final VectorShuffle<Float> SWAP_SIXTEENTHS = swap(LANES / 16);
    private static final VectorShuffle<Float> QUARTER_HEADS =
            VectorShuffle.fromOp(F, lane -> lane < 4 ? lane * (LANES / 4) : 0);
    private static final VectorMask<Float> ODD_HALF = lanesWithBit(LANES / 2);
    private static final VectorMask<Float> ODD_QUARTERS = lanesWithBit(LANES / 4);

    private TileProducts() {}

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(F, lane -> lane ^ distance);
    }

    private static VectorMask<Float> lanesWithBit(int bit) {
        boolean[] lanes = new boolean[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            lanes[lane] = (lane & bit) != 0;
        }
        return VectorMask.fromArray(F, lanes, 0);
    }

    /**
     * sums[4i + j] = a_i·b_j for four rows of a and four of b.
     *
     * @param a holds rows
     * @param a0 where its first row begins
     * @param a1 the second
     * @param a2 the third
     * @param a3 the fourth
     * @param b holds rows
     * @param b0 where its first row begins
     * @param b1 the second
     * @param b2 the third
     * @param b3 the fourth
     * @param n length of a row, a multiple of the lanes
     * @param sums {@link #SUMS} floats, the first sixteen of which get the products
     */
    public static void dots(
            float[] a, int a0, int a1, int a2, int a3, float[] b, int b0, int b1, int b2, int b3, int n, float[] sums) {
        laneSums(a, a0, a1, a2, a3, b, b0, b1, b2, b3, n, sums);
        for (int row = 0; row < TILE; row++) {
            fold(sums, row * TILE * LANES, TILE, 0, sums, row * TILE);
        }
    }

    /**
     * The same products, each as a vector whose lanes are still to be summed, for callers with more to add to them.
     *
     * @param a holds rows
     * @param a0 where its first row begins
     * @param a1 the second
     * @param a2 the third
     * @param a3 the fourth
     * @param b holds rows
     * @param b0 where its first row begins
     * @param b1 the second
     * @param b2 the third
     * @param b3 the fourth
     * @param n length of a row, a multiple of the lanes
     * @param lanes {@link #SUMS} floats, which get sixteen vectors
     */
    public static void laneSums(
            float[] a,
            int a0,
            int a1,
            int a2,
            int a3,
            float[] b,
            int b0,
            int b1,
            int b2,
            int b3,
            int n,
            float[] lanes) {
        FloatVector s00 = FloatVector.zero(F);
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
        for (int i = 0; i < n; i += LANES) {
            FloatVector y0 = FloatVector.fromArray(F, b, b0 + i);
            FloatVector y1 = FloatVector.fromArray(F, b, b1 + i);
            FloatVector y2 = FloatVector.fromArray(F, b, b2 + i);
            FloatVector y3 = FloatVector.fromArray(F, b, b3 + i);
            FloatVector x0 = FloatVector.fromArray(F, a, a0 + i);
            s00 = x0.fma(y0, s00);
            s01 = x0.fma(y1, s01);
            s02 = x0.fma(y2, s02);
            s03 = x0.fma(y3, s03);
            FloatVector x1 = FloatVector.fromArray(F, a, a1 + i);
            s10 = x1.fma(y0, s10);
            s11 = x1.fma(y1, s11);
            s12 = x1.fma(y2, s12);
            s13 = x1.fma(y3, s13);
            FloatVector x2 = FloatVector.fromArray(F, a, a2 + i);
            s20 = x2.fma(y0, s20);
            s21 = x2.fma(y1, s21);
            s22 = x2.fma(y2, s22);
            s23 = x2.fma(y3, s23);
            FloatVector x3 = FloatVector.fromArray(F, a, a3 + i);
            s30 = x3.fma(y0, s30);
            s31 = x3.fma(y1, s31);
            s32 = x3.fma(y2, s32);
            s33 = x3.fma(y3, s33);
        }
        s00.intoArray(lanes, 0);
        s01.intoArray(lanes, LANES);
        s02.intoArray(lanes, 2 * LANES);
        s03.intoArray(lanes, 3 * LANES);
        s10.intoArray(lanes, 4 * LANES);
        s11.intoArray(lanes, 5 * LANES);
        s12.intoArray(lanes, 6 * LANES);
        s13.intoArray(lanes, 7 * LANES);
        s20.intoArray(lanes, 8 * LANES);
        s21.intoArray(lanes, 9 * LANES);
        s22.intoArray(lanes, 10 * LANES);
        s23.intoArray(lanes, 11 * LANES);
        s30.intoArray(lanes, 12 * LANES);
        s31.intoArray(lanes, 13 * LANES);
        s32.intoArray(lanes, 14 * LANES);
        s33.intoArray(lanes, 15 * LANES);
    }

    /**
     * Sums the lanes of four vectors, in a fixed tree of shuffles: {@code reduceLanes} leaves the order open, and interpreted and compiled
     * code may then differ.
     *
     * @param lanes holds the vectors
     * @param at where they begin
     * @param columns how many of the four sums to store
     * @param kept to how many of these what stands there is added: none, or as many
     * @param out gets the sums; may be {@code lanes}, at or before {@code at}
     * @param outAt where they begin
     */
    public static void fold(float[] lanes, int at, int columns, int kept, float[] out, int outAt) {
        FloatVector s0 = FloatVector.fromArray(F, lanes, at);
        FloatVector s1 = FloatVector.fromArray(F, lanes, at + LANES);
        FloatVector s2 = FloatVector.fromArray(F, lanes, at + 2 * LANES);
        FloatVector s3 = FloatVector.fromArray(F, lanes, at + 3 * LANES);
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
        VectorMask<Float> present = F.indexInRange(0, kept);
        total.add(FloatVector.fromArray(F, out, outAt, present)).intoArray(out, outAt, F.indexInRange(0, columns));
    }

    /**
     * a·b.
     *
     * @param a holds a row
     * @param aAt where it begins
     * @param b holds a row
     * @param bAt where it begins
     * @param n length of a row
     * @return the sum of products
     */
    public static float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int i = 0; i < n; i += PANEL) {
            s0 = FloatVector.fromArray(F, a, aAt + i).fma(FloatVector.fromArray(F, b, bAt + i), s0);
            s1 = FloatVector.fromArray(F, a, aAt + i + LANES).fma(FloatVector.fromArray(F, b, bAt + i + LANES), s1);
            s2 = FloatVector.fromArray(F, a, aAt + i + 2 * LANES)
                    .fma(FloatVector.fromArray(F, b, bAt + i + 2 * LANES), s2);
            s3 = FloatVector.fromArray(F, a, aAt + i + 3 * LANES)
                    .fma(FloatVector.fromArray(F, b, bAt + i + 3 * LANES), s3);
        }
        return VectorMath.sum(s0.add(s1).add(s2.add(s3)));
    }

    /**
     * y_i[c] += Σ_r w_i[r]·x_r[c] for four rows of y and one panel of columns c.
     *
     * @param w holds weights
     * @param w0 where those of the first row of y begin
     * @param w1 the second
     * @param w2 the third
     * @param w3 the fourth
     * @param wStride from a weight to the next of the same row
     * @param rows how many rows of x
     * @param x holds rows
     * @param xAt where the panel of the first row begins
     * @param xStride from a row of x to the next
     * @param y holds rows
     * @param y0 where the panel of its first row begins
     * @param y1 the second
     * @param y2 the third
     * @param y3 the fourth
     */
    public static void addRows(
            float[] w,
            int w0,
            int w1,
            int w2,
            int w3,
            int wStride,
            int rows,
            float[] x,
            int xAt,
            int xStride,
            float[] y,
            int y0,
            int y1,
            int y2,
            int y3) {
        FloatVector s00 = FloatVector.fromArray(F, y, y0);
        FloatVector s01 = FloatVector.fromArray(F, y, y0 + LANES);
        FloatVector s02 = FloatVector.fromArray(F, y, y0 + 2 * LANES);
        FloatVector s03 = FloatVector.fromArray(F, y, y0 + 3 * LANES);
        FloatVector s10 = FloatVector.fromArray(F, y, y1);
        FloatVector s11 = FloatVector.fromArray(F, y, y1 + LANES);
        FloatVector s12 = FloatVector.fromArray(F, y, y1 + 2 * LANES);
        FloatVector s13 = FloatVector.fromArray(F, y, y1 + 3 * LANES);
        FloatVector s20 = FloatVector.fromArray(F, y, y2);
        FloatVector s21 = FloatVector.fromArray(F, y, y2 + LANES);
        FloatVector s22 = FloatVector.fromArray(F, y, y2 + 2 * LANES);
        FloatVector s23 = FloatVector.fromArray(F, y, y2 + 3 * LANES);
        FloatVector s30 = FloatVector.fromArray(F, y, y3);
        FloatVector s31 = FloatVector.fromArray(F, y, y3 + LANES);
        FloatVector s32 = FloatVector.fromArray(F, y, y3 + 2 * LANES);
        FloatVector s33 = FloatVector.fromArray(F, y, y3 + 3 * LANES);
        for (int r = 0; r < rows; r++) {
            int from = xAt + r * xStride;
            int weight = r * wStride;
            FloatVector f0 = FloatVector.fromArray(F, x, from);
            FloatVector f1 = FloatVector.fromArray(F, x, from + LANES);
            FloatVector f2 = FloatVector.fromArray(F, x, from + 2 * LANES);
            FloatVector f3 = FloatVector.fromArray(F, x, from + 3 * LANES);
            FloatVector b0 = FloatVector.broadcast(F, w[w0 + weight]);
            s00 = f0.fma(b0, s00);
            s01 = f1.fma(b0, s01);
            s02 = f2.fma(b0, s02);
            s03 = f3.fma(b0, s03);
            FloatVector b1 = FloatVector.broadcast(F, w[w1 + weight]);
            s10 = f0.fma(b1, s10);
            s11 = f1.fma(b1, s11);
            s12 = f2.fma(b1, s12);
            s13 = f3.fma(b1, s13);
            FloatVector b2 = FloatVector.broadcast(F, w[w2 + weight]);
            s20 = f0.fma(b2, s20);
            s21 = f1.fma(b2, s21);
            s22 = f2.fma(b2, s22);
            s23 = f3.fma(b2, s23);
            FloatVector b3 = FloatVector.broadcast(F, w[w3 + weight]);
            s30 = f0.fma(b3, s30);
            s31 = f1.fma(b3, s31);
            s32 = f2.fma(b3, s32);
            s33 = f3.fma(b3, s33);
        }
        s00.intoArray(y, y0);
        s01.intoArray(y, y0 + LANES);
        s02.intoArray(y, y0 + 2 * LANES);
        s03.intoArray(y, y0 + 3 * LANES);
        s10.intoArray(y, y1);
        s11.intoArray(y, y1 + LANES);
        s12.intoArray(y, y1 + 2 * LANES);
        s13.intoArray(y, y1 + 3 * LANES);
        s20.intoArray(y, y2);
        s21.intoArray(y, y2 + LANES);
        s22.intoArray(y, y2 + 2 * LANES);
        s23.intoArray(y, y2 + 3 * LANES);
        s30.intoArray(y, y3);
        s31.intoArray(y, y3 + LANES);
        s32.intoArray(y, y3 + 2 * LANES);
        s33.intoArray(y, y3 + 3 * LANES);
    }
}
