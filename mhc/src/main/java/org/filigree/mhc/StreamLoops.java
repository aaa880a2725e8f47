package org.filigree.mhc;

import static org.filigree.core.backend.simd.TileProducts.PANEL;
import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;

/** Sums over the streams of one token, four vectors of columns at a time; widths are multiples of {@link TileProducts#PANEL}. */
final class StreamLoops {
    private StreamLoops() {}

    /** out = Σ_j w_j·row_j over n rows: collapse, and the gradient of the sub-layer's output. */
    static void weightedSum(float[] w, int wAt, float[] rows, int at, int n, int width, float[] out, int outAt) {
        for (int c = 0; c < width; c += PANEL) {
            FloatVector s0 = FloatVector.zero(F);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            for (int j = 0; j < n; j++) {
                int from = at + j * width + c;
                FloatVector weight = FloatVector.broadcast(F, w[wAt + j]);
                s0 = FloatVector.fromArray(F, rows, from).fma(weight, s0);
                s1 = FloatVector.fromArray(F, rows, from + LANES).fma(weight, s1);
                s2 = FloatVector.fromArray(F, rows, from + 2 * LANES).fma(weight, s2);
                s3 = FloatVector.fromArray(F, rows, from + 3 * LANES).fma(weight, s3);
            }
            s0.intoArray(out, outAt + c);
            s1.intoArray(out, outAt + c + LANES);
            s2.intoArray(out, outAt + c + 2 * LANES);
            s3.intoArray(out, outAt + c + 3 * LANES);
        }
    }

    /** out = w·y + Σ_j comb[j,k]·x_j for one target k: a stream after the step. */
    static void target(
            float w,
            float[] y,
            int yAt,
            float[] comb,
            int combAt,
            float[] x,
            int xAt,
            int n,
            int width,
            float[] out,
            int outAt) {
        FloatVector own = FloatVector.broadcast(F, w);
        for (int c = 0; c < width; c += PANEL) {
            FloatVector s0 = FloatVector.fromArray(F, y, yAt + c).mul(own);
            FloatVector s1 = FloatVector.fromArray(F, y, yAt + c + LANES).mul(own);
            FloatVector s2 = FloatVector.fromArray(F, y, yAt + c + 2 * LANES).mul(own);
            FloatVector s3 = FloatVector.fromArray(F, y, yAt + c + 3 * LANES).mul(own);
            for (int j = 0; j < n; j++) {
                int from = xAt + j * width + c;
                FloatVector weight = FloatVector.broadcast(F, comb[combAt + j * n]);
                s0 = FloatVector.fromArray(F, x, from).fma(weight, s0);
                s1 = FloatVector.fromArray(F, x, from + LANES).fma(weight, s1);
                s2 = FloatVector.fromArray(F, x, from + 2 * LANES).fma(weight, s2);
                s3 = FloatVector.fromArray(F, x, from + 3 * LANES).fma(weight, s3);
            }
            s0.intoArray(out, outAt + c);
            s1.intoArray(out, outAt + c + LANES);
            s2.intoArray(out, outAt + c + 2 * LANES);
            s3.intoArray(out, outAt + c + 3 * LANES);
        }
    }

    /** dx = w·du − pull·x + Σ_k comb[j,k]·Γ_k for one source j: the gradient of a stream but for what φ adds. */
    static void source(
            float w,
            float[] du,
            int duAt,
            float pull,
            float[] x,
            int xAt,
            float[] comb,
            int combAt,
            float[] next,
            int nextAt,
            int n,
            int width,
            float[] dx) {
        FloatVector own = FloatVector.broadcast(F, w);
        FloatVector back = FloatVector.broadcast(F, -pull);
        for (int c = 0; c < width; c += PANEL) {
            FloatVector s0 = FloatVector.fromArray(F, du, duAt + c).mul(own);
            FloatVector s1 = FloatVector.fromArray(F, du, duAt + c + LANES).mul(own);
            FloatVector s2 = FloatVector.fromArray(F, du, duAt + c + 2 * LANES).mul(own);
            FloatVector s3 = FloatVector.fromArray(F, du, duAt + c + 3 * LANES).mul(own);
            s0 = FloatVector.fromArray(F, x, xAt + c).fma(back, s0);
            s1 = FloatVector.fromArray(F, x, xAt + c + LANES).fma(back, s1);
            s2 = FloatVector.fromArray(F, x, xAt + c + 2 * LANES).fma(back, s2);
            s3 = FloatVector.fromArray(F, x, xAt + c + 3 * LANES).fma(back, s3);
            for (int k = 0; k < n; k++) {
                int from = nextAt + k * width + c;
                FloatVector weight = FloatVector.broadcast(F, comb[combAt + k]);
                s0 = FloatVector.fromArray(F, next, from).fma(weight, s0);
                s1 = FloatVector.fromArray(F, next, from + LANES).fma(weight, s1);
                s2 = FloatVector.fromArray(F, next, from + 2 * LANES).fma(weight, s2);
                s3 = FloatVector.fromArray(F, next, from + 3 * LANES).fma(weight, s3);
            }
            s0.intoArray(dx, xAt + c);
            s1.intoArray(dx, xAt + c + LANES);
            s2.intoArray(dx, xAt + c + 2 * LANES);
            s3.intoArray(dx, xAt + c + 3 * LANES);
        }
    }

    /** One panel each of so many rows; for runs this short a call of {@code arraycopy} costs as much as the copy. */
    static void copyPanels(float[] from, int at, int stride, float[] to, int toAt, int toStride, int rows) {
        for (int i = 0; i < rows; i++) {
            int source = at + i * stride;
            int target = toAt + i * toStride;
            FloatVector.fromArray(F, from, source).intoArray(to, target);
            FloatVector.fromArray(F, from, source + LANES).intoArray(to, target + LANES);
            FloatVector.fromArray(F, from, source + 2 * LANES).intoArray(to, target + 2 * LANES);
            FloatVector.fromArray(F, from, source + 3 * LANES).intoArray(to, target + 3 * LANES);
        }
    }
}
