package org.filigree.mhc;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.filigree.core.backend.simd.VectorMath;

/**
 * The three products with φ, whose 24 rows (at n = 4) are too few for a general matrix product to run at speed. Tiles are four by four:
 * sixteen sums in registers, eight loads for sixteen fused multiply-adds. φ and its gradient lie in panels of {@link #PANEL} columns, all
 * rows of a panel one after the other, so that tiles read and write memory in order.
 */
final class RowProducts {
    /** Columns of a panel, four vectors. */
    static final int PANEL = 4 * LANES;

    /** Rows and tokens of a tile. */
    static final int TILE = 4;

    private RowProducts() {}

    /** Rows of φ, rounded up to whole tiles; the rows that are not there count as zeros. */
    static int padded(int rows) {
        return (rows + TILE - 1) / TILE * TILE;
    }

    /** φ [rows, k] into panels. */
    static void pack(float[] fn, int rows, int k, float[] panels) {
        int tall = padded(rows);
        for (int panel = 0; panel < k / PANEL; panel++) {
            int to = panel * tall * PANEL;
            for (int row = 0; row < rows; row++) {
                System.arraycopy(fn, row * k + panel * PANEL, panels, to + row * PANEL, PANEL);
            }
            Arrays.fill(panels, to + rows * PANEL, to + tall * PANEL, 0f);
        }
    }

    /** sums[4i + j] = a_i·b_j for four rows of a, four of b; {@code lanes} has room for sixteen vectors. */
    static void dots(
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
        fold(lanes, 16 * LANES);
    }

    /** a·b over n elements. */
    static float dot(float[] a, int aAt, float[] b, int bAt, int n) {
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

    /** The sum of every vector into the place of its number. */
    private static void fold(float[] lanes, int length) {
        for (int at = 0; at < length; at += LANES) {
            float even = 0;
            float odd = 0;
            for (int i = at; i < at + LANES; i += 2) {
                even += lanes[i];
                odd += lanes[i + 1];
            }
            lanes[at / LANES] = even + odd;
        }
    }

    /**
     * y_t[c] += Σ_o weights[t][o]·φ[o][c] for a row of y of every token, k apart. Tiles at the end repeat the last token: both copies
     * hold and store the same.
     */
    static void addProduct(float[] weights, int tall, float[] panels, float[] y, int yAt, int k, int tokens) {
        for (int t = 0; t < tokens; t += TILE) {
            int t1 = Math.min(t + 1, tokens - 1);
            int t2 = Math.min(t + 2, tokens - 1);
            int t3 = Math.min(t + 3, tokens - 1);
            for (int c = 0; c < k; c += PANEL) {
                int at = yAt + c;
                addPanel(
                        weights,
                        t * tall,
                        t1 * tall,
                        t2 * tall,
                        t3 * tall,
                        tall,
                        panels,
                        c * tall,
                        y,
                        at + t * k,
                        at + t1 * k,
                        at + t2 * k,
                        at + t3 * k);
            }
        }
    }

    private static void addPanel(
            float[] weights,
            int at0,
            int at1,
            int at2,
            int at3,
            int tall,
            float[] panels,
            int panel,
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
        for (int o = 0; o < tall; o++) {
            int from = panel + o * PANEL;
            FloatVector f0 = FloatVector.fromArray(F, panels, from);
            FloatVector f1 = FloatVector.fromArray(F, panels, from + LANES);
            FloatVector f2 = FloatVector.fromArray(F, panels, from + 2 * LANES);
            FloatVector f3 = FloatVector.fromArray(F, panels, from + 3 * LANES);
            FloatVector w0 = FloatVector.broadcast(F, weights[at0 + o]);
            s00 = f0.fma(w0, s00);
            s01 = f1.fma(w0, s01);
            s02 = f2.fma(w0, s02);
            s03 = f3.fma(w0, s03);
            FloatVector w1 = FloatVector.broadcast(F, weights[at1 + o]);
            s10 = f0.fma(w1, s10);
            s11 = f1.fma(w1, s11);
            s12 = f2.fma(w1, s12);
            s13 = f3.fma(w1, s13);
            FloatVector w2 = FloatVector.broadcast(F, weights[at2 + o]);
            s20 = f0.fma(w2, s20);
            s21 = f1.fma(w2, s21);
            s22 = f2.fma(w2, s22);
            s23 = f3.fma(w2, s23);
            FloatVector w3 = FloatVector.broadcast(F, weights[at3 + o]);
            s30 = f0.fma(w3, s30);
            s31 = f1.fma(w3, s31);
            s32 = f2.fma(w3, s32);
            s33 = f3.fma(w3, s33);
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

    /**
     * panels[o][c] += Σ_t weights[t][o]·x_t[c], the gradient of φ. Rows of x that lie a power of two apart fall into the same few sets of
     * the first-level cache, so each panel of them is copied together first.
     */
    static void addOuter(
            float[] weights,
            int tall,
            float[] x,
            int xAt,
            int k,
            int tokens,
            float[] together,
            float[] panels,
            int panelsAt) {
        for (int c = 0; c < k; c += PANEL) {
            for (int t = 0; t < tokens; t++) {
                System.arraycopy(x, xAt + t * k + c, together, t * PANEL, PANEL);
            }
            for (int o = 0; o < tall; o += TILE) {
                addTile(weights, o, tall, together, tokens, panels, panelsAt + c * tall + o * PANEL);
            }
        }
    }

    private static void addTile(float[] weights, int o, int tall, float[] x, int tokens, float[] panels, int at) {
        FloatVector s00 = FloatVector.fromArray(F, panels, at);
        FloatVector s01 = FloatVector.fromArray(F, panels, at + LANES);
        FloatVector s02 = FloatVector.fromArray(F, panels, at + 2 * LANES);
        FloatVector s03 = FloatVector.fromArray(F, panels, at + 3 * LANES);
        FloatVector s10 = FloatVector.fromArray(F, panels, at + 4 * LANES);
        FloatVector s11 = FloatVector.fromArray(F, panels, at + 5 * LANES);
        FloatVector s12 = FloatVector.fromArray(F, panels, at + 6 * LANES);
        FloatVector s13 = FloatVector.fromArray(F, panels, at + 7 * LANES);
        FloatVector s20 = FloatVector.fromArray(F, panels, at + 8 * LANES);
        FloatVector s21 = FloatVector.fromArray(F, panels, at + 9 * LANES);
        FloatVector s22 = FloatVector.fromArray(F, panels, at + 10 * LANES);
        FloatVector s23 = FloatVector.fromArray(F, panels, at + 11 * LANES);
        FloatVector s30 = FloatVector.fromArray(F, panels, at + 12 * LANES);
        FloatVector s31 = FloatVector.fromArray(F, panels, at + 13 * LANES);
        FloatVector s32 = FloatVector.fromArray(F, panels, at + 14 * LANES);
        FloatVector s33 = FloatVector.fromArray(F, panels, at + 15 * LANES);
        for (int t = 0; t < tokens; t++) {
            FloatVector x0 = FloatVector.fromArray(F, x, t * PANEL);
            FloatVector x1 = FloatVector.fromArray(F, x, t * PANEL + LANES);
            FloatVector x2 = FloatVector.fromArray(F, x, t * PANEL + 2 * LANES);
            FloatVector x3 = FloatVector.fromArray(F, x, t * PANEL + 3 * LANES);
            int w = t * tall + o;
            FloatVector w0 = FloatVector.broadcast(F, weights[w]);
            s00 = x0.fma(w0, s00);
            s01 = x1.fma(w0, s01);
            s02 = x2.fma(w0, s02);
            s03 = x3.fma(w0, s03);
            FloatVector w1 = FloatVector.broadcast(F, weights[w + 1]);
            s10 = x0.fma(w1, s10);
            s11 = x1.fma(w1, s11);
            s12 = x2.fma(w1, s12);
            s13 = x3.fma(w1, s13);
            FloatVector w2 = FloatVector.broadcast(F, weights[w + 2]);
            s20 = x0.fma(w2, s20);
            s21 = x1.fma(w2, s21);
            s22 = x2.fma(w2, s22);
            s23 = x3.fma(w2, s23);
            FloatVector w3 = FloatVector.broadcast(F, weights[w + 3]);
            s30 = x0.fma(w3, s30);
            s31 = x1.fma(w3, s31);
            s32 = x2.fma(w3, s32);
            s33 = x3.fma(w3, s33);
        }
        s00.intoArray(panels, at);
        s01.intoArray(panels, at + LANES);
        s02.intoArray(panels, at + 2 * LANES);
        s03.intoArray(panels, at + 3 * LANES);
        s10.intoArray(panels, at + 4 * LANES);
        s11.intoArray(panels, at + 5 * LANES);
        s12.intoArray(panels, at + 6 * LANES);
        s13.intoArray(panels, at + 7 * LANES);
        s20.intoArray(panels, at + 8 * LANES);
        s21.intoArray(panels, at + 9 * LANES);
        s22.intoArray(panels, at + 10 * LANES);
        s23.intoArray(panels, at + 11 * LANES);
        s30.intoArray(panels, at + 12 * LANES);
        s31.intoArray(panels, at + 13 * LANES);
        s32.intoArray(panels, at + 14 * LANES);
        s33.intoArray(panels, at + 15 * LANES);
    }
}
