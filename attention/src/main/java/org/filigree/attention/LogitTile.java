package org.filigree.attention;

import static org.filigree.attention.TileProduct.STRIP;
import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * What happens to a tile of logits [keys, {@link TileProduct#STRIP} queries] between the products. Queries lie along the lanes, so that
 * maxima and sums over keys need nothing from other lanes.
 */
final class LogitTile {
    private LogitTile() {}

    /** Sets logits to −∞ where key j is outside low[query] ≤ j &lt; high[query]. */
    static void hide(float[] s, int keys, float[] low, float[] high) {
        FloatVector low0 = FloatVector.fromArray(F, low, 0);
        FloatVector low1 = FloatVector.fromArray(F, low, LANES);
        FloatVector high0 = FloatVector.fromArray(F, high, 0);
        FloatVector high1 = FloatVector.fromArray(F, high, LANES);
        for (int j = 0; j < keys; j++) {
            FloatVector key = FloatVector.broadcast(F, (float) j);
            int at = j * STRIP;
            FloatVector.fromArray(F, s, at)
                    .blend(Float.NEGATIVE_INFINITY, key.compare(VectorOperators.LT, low0))
                    .blend(Float.NEGATIVE_INFINITY, key.compare(VectorOperators.GE, high0))
                    .intoArray(s, at);
            FloatVector.fromArray(F, s, at + LANES)
                    .blend(Float.NEGATIVE_INFINITY, key.compare(VectorOperators.LT, low1))
                    .blend(Float.NEGATIVE_INFINITY, key.compare(VectorOperators.GE, high1))
                    .intoArray(s, at + LANES);
        }
    }

    /** peak ← max(peak, logits of all keys); fall ← former peak − peak. */
    static void raise(float[] s, int keys, float[] peak, int at, float[] fall) {
        FloatVector old0 = FloatVector.fromArray(F, peak, at);
        FloatVector old1 = FloatVector.fromArray(F, peak, at + LANES);
        FloatVector even0 = old0;
        FloatVector even1 = old1;
        FloatVector odd0 = old0;
        FloatVector odd1 = old1;
        int j = 0;
        for (; j + 1 < keys; j += 2) {
            int row = j * STRIP;
            even0 = even0.max(FloatVector.fromArray(F, s, row));
            even1 = even1.max(FloatVector.fromArray(F, s, row + LANES));
            odd0 = odd0.max(FloatVector.fromArray(F, s, row + STRIP));
            odd1 = odd1.max(FloatVector.fromArray(F, s, row + STRIP + LANES));
        }
        if (j < keys) {
            even0 = even0.max(FloatVector.fromArray(F, s, j * STRIP));
            even1 = even1.max(FloatVector.fromArray(F, s, j * STRIP + LANES));
        }
        FloatVector new0 = even0.max(odd0);
        FloatVector new1 = even1.max(odd1);
        new0.intoArray(peak, at);
        new1.intoArray(peak, at + LANES);
        old0.sub(new0).intoArray(fall, 0);
        old1.sub(new1).intoArray(fall, LANES);
    }

    /** s ← s − shift, a shift for each query. */
    static void lower(float[] s, int keys, float[] shift, int at) {
        FloatVector shift0 = FloatVector.fromArray(F, shift, at);
        FloatVector shift1 = FloatVector.fromArray(F, shift, at + LANES);
        for (int row = 0; row < keys * STRIP; row += STRIP) {
            FloatVector.fromArray(F, s, row).sub(shift0).intoArray(s, row);
            FloatVector.fromArray(F, s, row + LANES).sub(shift1).intoArray(s, row + LANES);
        }
    }

    /** total ← total·keep + Σ_j p. */
    static void addUp(float[] p, int keys, float[] total, int at, float[] keep) {
        FloatVector even0 = FloatVector.fromArray(F, total, at).mul(FloatVector.fromArray(F, keep, 0));
        FloatVector even1 = FloatVector.fromArray(F, total, at + LANES).mul(FloatVector.fromArray(F, keep, LANES));
        FloatVector odd0 = FloatVector.zero(F);
        FloatVector odd1 = odd0;
        int j = 0;
        for (; j + 1 < keys; j += 2) {
            int row = j * STRIP;
            even0 = even0.add(FloatVector.fromArray(F, p, row));
            even1 = even1.add(FloatVector.fromArray(F, p, row + LANES));
            odd0 = odd0.add(FloatVector.fromArray(F, p, row + STRIP));
            odd1 = odd1.add(FloatVector.fromArray(F, p, row + STRIP + LANES));
        }
        if (j < keys) {
            even0 = even0.add(FloatVector.fromArray(F, p, j * STRIP));
            even1 = even1.add(FloatVector.fromArray(F, p, j * STRIP + LANES));
        }
        even0.add(odd0).intoArray(total, at);
        even1.add(odd1).intoArray(total, at + LANES);
    }

    /** Rows of queries [strips, STRIP queries, STRIP], each times its own factor; nothing if all are 1. */
    static void scaleRows(float[] o, int at, int strips, float[] factors) {
        boolean needed = false;
        for (int i = 0; i < STRIP; i++) {
            needed |= factors[i] != 1f;
        }
        if (!needed) {
            return;
        }
        for (int strip = 0; strip < strips; strip++) {
            int from = at + strip * STRIP * STRIP;
            for (int i = 0; i < STRIP; i++) {
                int row = from + i * STRIP;
                FloatVector factor = FloatVector.broadcast(F, factors[i]);
                FloatVector.fromArray(F, o, row).mul(factor).intoArray(o, row);
                FloatVector.fromArray(F, o, row + LANES).mul(factor).intoArray(o, row + LANES);
            }
        }
    }

    /** dp ← p∘(dp − offset), an offset for each query. */
    static void throughSoftmax(float[] p, float[] dp, int keys, float[] offset, int at) {
        FloatVector offset0 = FloatVector.fromArray(F, offset, at);
        FloatVector offset1 = FloatVector.fromArray(F, offset, at + LANES);
        for (int row = 0; row < keys * STRIP; row += STRIP) {
            FloatVector.fromArray(F, dp, row)
                    .sub(offset0)
                    .mul(FloatVector.fromArray(F, p, row))
                    .intoArray(dp, row);
            FloatVector.fromArray(F, dp, row + LANES)
                    .sub(offset1)
                    .mul(FloatVector.fromArray(F, p, row + LANES))
                    .intoArray(dp, row + LANES);
        }
    }

    /** Keys in sight of each query, counted from the first of a tile. */
    static void bounds(int[] from, int[] to, int at, int firstKey, int keys, float[] low, float[] high) {
        for (int i = 0; i < STRIP; i++) {
            low[i] = Math.clamp((long) from[at + i] - firstKey, 0, keys);
            high[i] = Math.clamp((long) to[at + i] - firstKey, 0, keys);
        }
    }

    /** Sight of queries that are not there: none. */
    static void blind(int[] from, int[] to, int at) {
        Arrays.fill(from, at, at + STRIP, 0);
        Arrays.fill(to, at, at + STRIP, 0);
    }
}
