package org.filigree.attention;

import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;
import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.filigree.attention.TileProduct.Update;

/**
 * The innermost loop of index scores: {@link TileProduct#HEIGHT} keys against {@link TileProduct#STRIP} heads, whose products leave the
 * registers only after the cut at zero, the weights and the sum of the two halves. Every product is one chain of fused multiply-adds in
 * the order of channels.
 */
final class ScoreProducts {
    /** What a first strip adds to; read instead of branching on the case. */
    private static final float[] ZEROS = new float[LANES];

    private ScoreProducts() {}

    /**
     * lanes[key] = or += Σ of the strip's two halves of max(0, q·k)·weight, a vector for each key; NaN stays NaN.
     *
     * @param dim channels
     * @param keys holds keys, one behind the other
     * @param at where the first begins
     * @param turned holds queries [dim, STRIP]
     * @param turnedAt where they begin
     * @param weights holds the weights of the strip's heads
     * @param weightsAt where they begin
     * @param lanes gets the vectors
     * @param lanesAt where they begin
     * @param update of the vectors
     */
    static void weigh(
            int dim,
            float[] keys,
            int at,
            float[] turned,
            int turnedAt,
            float[] weights,
            int weightsAt,
            float[] lanes,
            int lanesAt,
            Update update) {
        float[] before = update == Update.ACCUMULATE ? lanes : ZEROS;
        int beforeAt = update == Update.ACCUMULATE ? lanesAt : 0;
        int step = update == Update.ACCUMULATE ? LANES : 0;
        if (HEIGHT == 8) {
            eight(dim, keys, at, turned, turnedAt, weights, weightsAt, before, beforeAt, step, lanes, lanesAt);
        } else {
            four(dim, keys, at, turned, turnedAt, weights, weightsAt, before, beforeAt, step, lanes, lanesAt);
        }
    }

    private static void eight(
            int dim,
            float[] keys,
            int at,
            float[] turned,
            int turnedAt,
            float[] weights,
            int weightsAt,
            float[] before,
            int beforeAt,
            int step,
            float[] lanes,
            int lanesAt) {
        FloatVector c0x0 = FloatVector.zero(F);
        FloatVector c0x1 = FloatVector.zero(F);
        FloatVector c1x0 = FloatVector.zero(F);
        FloatVector c1x1 = FloatVector.zero(F);
        FloatVector c2x0 = FloatVector.zero(F);
        FloatVector c2x1 = FloatVector.zero(F);
        FloatVector c3x0 = FloatVector.zero(F);
        FloatVector c3x1 = FloatVector.zero(F);
        FloatVector c4x0 = FloatVector.zero(F);
        FloatVector c4x1 = FloatVector.zero(F);
        FloatVector c5x0 = FloatVector.zero(F);
        FloatVector c5x1 = FloatVector.zero(F);
        FloatVector c6x0 = FloatVector.zero(F);
        FloatVector c6x1 = FloatVector.zero(F);
        FloatVector c7x0 = FloatVector.zero(F);
        FloatVector c7x1 = FloatVector.zero(F);
        for (int p = 0; p < dim; p++) {
            int kp = at + p;
            int qp = turnedAt + STRIP * p;
            FloatVector q0 = FloatVector.fromArray(F, turned, qp);
            FloatVector q1 = FloatVector.fromArray(F, turned, qp + LANES);
            FloatVector k0 = FloatVector.broadcast(F, keys[kp]);
            c0x0 = k0.fma(q0, c0x0);
            c0x1 = k0.fma(q1, c0x1);
            FloatVector k1 = FloatVector.broadcast(F, keys[kp + dim]);
            c1x0 = k1.fma(q0, c1x0);
            c1x1 = k1.fma(q1, c1x1);
            FloatVector k2 = FloatVector.broadcast(F, keys[kp + 2 * dim]);
            c2x0 = k2.fma(q0, c2x0);
            c2x1 = k2.fma(q1, c2x1);
            FloatVector k3 = FloatVector.broadcast(F, keys[kp + 3 * dim]);
            c3x0 = k3.fma(q0, c3x0);
            c3x1 = k3.fma(q1, c3x1);
            FloatVector k4 = FloatVector.broadcast(F, keys[kp + 4 * dim]);
            c4x0 = k4.fma(q0, c4x0);
            c4x1 = k4.fma(q1, c4x1);
            FloatVector k5 = FloatVector.broadcast(F, keys[kp + 5 * dim]);
            c5x0 = k5.fma(q0, c5x0);
            c5x1 = k5.fma(q1, c5x1);
            FloatVector k6 = FloatVector.broadcast(F, keys[kp + 6 * dim]);
            c6x0 = k6.fma(q0, c6x0);
            c6x1 = k6.fma(q1, c6x1);
            FloatVector k7 = FloatVector.broadcast(F, keys[kp + 7 * dim]);
            c7x0 = k7.fma(q0, c7x0);
            c7x1 = k7.fma(q1, c7x1);
        }
        FloatVector zero = FloatVector.zero(F);
        FloatVector w0 = FloatVector.fromArray(F, weights, weightsAt);
        FloatVector w1 = FloatVector.fromArray(F, weights, weightsAt + LANES);
        FloatVector s0 = c0x0.blend(zero, c0x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt));
        c0x1.blend(zero, c0x1.compare(VectorOperators.LE, 0f)).fma(w1, s0).intoArray(lanes, lanesAt);
        FloatVector s1 = c1x0.blend(zero, c1x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + step));
        c1x1.blend(zero, c1x1.compare(VectorOperators.LE, 0f)).fma(w1, s1).intoArray(lanes, lanesAt + LANES);
        FloatVector s2 = c2x0.blend(zero, c2x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + 2 * step));
        c2x1.blend(zero, c2x1.compare(VectorOperators.LE, 0f)).fma(w1, s2).intoArray(lanes, lanesAt + 2 * LANES);
        FloatVector s3 = c3x0.blend(zero, c3x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + 3 * step));
        c3x1.blend(zero, c3x1.compare(VectorOperators.LE, 0f)).fma(w1, s3).intoArray(lanes, lanesAt + 3 * LANES);
        FloatVector s4 = c4x0.blend(zero, c4x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + 4 * step));
        c4x1.blend(zero, c4x1.compare(VectorOperators.LE, 0f)).fma(w1, s4).intoArray(lanes, lanesAt + 4 * LANES);
        FloatVector s5 = c5x0.blend(zero, c5x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + 5 * step));
        c5x1.blend(zero, c5x1.compare(VectorOperators.LE, 0f)).fma(w1, s5).intoArray(lanes, lanesAt + 5 * LANES);
        FloatVector s6 = c6x0.blend(zero, c6x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + 6 * step));
        c6x1.blend(zero, c6x1.compare(VectorOperators.LE, 0f)).fma(w1, s6).intoArray(lanes, lanesAt + 6 * LANES);
        FloatVector s7 = c7x0.blend(zero, c7x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + 7 * step));
        c7x1.blend(zero, c7x1.compare(VectorOperators.LE, 0f)).fma(w1, s7).intoArray(lanes, lanesAt + 7 * LANES);
    }

    private static void four(
            int dim,
            float[] keys,
            int at,
            float[] turned,
            int turnedAt,
            float[] weights,
            int weightsAt,
            float[] before,
            int beforeAt,
            int step,
            float[] lanes,
            int lanesAt) {
        FloatVector c0x0 = FloatVector.zero(F);
        FloatVector c0x1 = FloatVector.zero(F);
        FloatVector c1x0 = FloatVector.zero(F);
        FloatVector c1x1 = FloatVector.zero(F);
        FloatVector c2x0 = FloatVector.zero(F);
        FloatVector c2x1 = FloatVector.zero(F);
        FloatVector c3x0 = FloatVector.zero(F);
        FloatVector c3x1 = FloatVector.zero(F);
        for (int p = 0; p < dim; p++) {
            int kp = at + p;
            int qp = turnedAt + STRIP * p;
            FloatVector q0 = FloatVector.fromArray(F, turned, qp);
            FloatVector q1 = FloatVector.fromArray(F, turned, qp + LANES);
            FloatVector k0 = FloatVector.broadcast(F, keys[kp]);
            c0x0 = k0.fma(q0, c0x0);
            c0x1 = k0.fma(q1, c0x1);
            FloatVector k1 = FloatVector.broadcast(F, keys[kp + dim]);
            c1x0 = k1.fma(q0, c1x0);
            c1x1 = k1.fma(q1, c1x1);
            FloatVector k2 = FloatVector.broadcast(F, keys[kp + 2 * dim]);
            c2x0 = k2.fma(q0, c2x0);
            c2x1 = k2.fma(q1, c2x1);
            FloatVector k3 = FloatVector.broadcast(F, keys[kp + 3 * dim]);
            c3x0 = k3.fma(q0, c3x0);
            c3x1 = k3.fma(q1, c3x1);
        }
        FloatVector zero = FloatVector.zero(F);
        FloatVector w0 = FloatVector.fromArray(F, weights, weightsAt);
        FloatVector w1 = FloatVector.fromArray(F, weights, weightsAt + LANES);
        FloatVector s0 = c0x0.blend(zero, c0x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt));
        c0x1.blend(zero, c0x1.compare(VectorOperators.LE, 0f)).fma(w1, s0).intoArray(lanes, lanesAt);
        FloatVector s1 = c1x0.blend(zero, c1x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + step));
        c1x1.blend(zero, c1x1.compare(VectorOperators.LE, 0f)).fma(w1, s1).intoArray(lanes, lanesAt + LANES);
        FloatVector s2 = c2x0.blend(zero, c2x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + 2 * step));
        c2x1.blend(zero, c2x1.compare(VectorOperators.LE, 0f)).fma(w1, s2).intoArray(lanes, lanesAt + 2 * LANES);
        FloatVector s3 = c3x0.blend(zero, c3x0.compare(VectorOperators.LE, 0f))
                .fma(w0, FloatVector.fromArray(F, before, beforeAt + 3 * step));
        c3x1.blend(zero, c3x1.compare(VectorOperators.LE, 0f)).fma(w1, s3).intoArray(lanes, lanesAt + 3 * LANES);
    }
}
