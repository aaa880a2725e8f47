package org.filigree.attention;

import static org.filigree.core.backend.simd.TileProducts.PANEL;
import static org.filigree.core.backend.simd.TileProducts.TILE;
import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.filigree.core.backend.simd.Exponential;
import org.filigree.core.backend.simd.TileProducts;
import org.jspecify.annotations.Nullable;

/**
 * Attention of the heads of one token over keys that come a tile at a time: for each head the greatest logit m so far, Σ e^(logit − m), and
 * the values under the same weights (Milakov and Gimelshein, 2018). All heads share the keys; values are the first channels of keys.
 */
final class RunningSoftmax {
    /** Most keys of a tile: 96 rows of 576 floats are 216 KiB, which the second-level cache holds beside queries and sums. */
    static final int ROWS = 2 * HeadProducts.KEYS;

    private final int heads;
    private final int width;
    private final int valueWidth;
    /** Value width up to a whole panel; channels beyond it are summed and thrown away. */
    private final int valueRow;

    private final float scale;
    private final float[] greatest;
    private final float[] weight;
    private final float[] values;
    private final float[] logits;
    private final HeadProducts products = new HeadProducts();

    /**
     * Nothing seen yet.
     *
     * @param heads how many
     * @param width from one key of a tile to the next, and from one query to the next: a multiple of the lanes
     * @param valueWidth channels of a value; a tile has room for a panel of them behind its last key where they are not whole panels
     * @param scale of the products
     */
    RunningSoftmax(int heads, int width, int valueWidth, float scale) {
        this.heads = heads;
        this.width = width;
        this.valueWidth = valueWidth;
        this.valueRow = Math.ceilDiv(valueWidth, PANEL) * PANEL;
        this.scale = scale;
        this.greatest = new float[heads];
        Arrays.fill(greatest, Float.NEGATIVE_INFINITY);
        this.weight = new float[heads];
        this.values = new float[heads * valueRow];
        this.logits = new float[Math.ceilDiv(heads, TILE) * TILE * ROWS];
    }

    /** Adds the first {@code count} keys of a tile [ROWS, width], 1 or more; what lies behind them does not matter. */
    void add(float[] queries, int queriesAt, float[] tile, int count) {
        for (int h = 0; h < heads; h += TILE) {
            int h1 = queriesAt + Math.min(h + 1, heads - 1) * width;
            int h2 = queriesAt + Math.min(h + 2, heads - 1) * width;
            int h3 = queriesAt + Math.min(h + 3, heads - 1) * width;
            products.of(queries, queriesAt + h * width, h1, h2, h3, tile, width, count, logits, h * ROWS, ROWS);
        }
        for (int h = 0; h < heads; h++) {
            weigh(h, count);
        }
        // Panels outside: one of them stays in the first-level cache while all heads add it up.
        for (int c = 0; c < valueRow; c += PANEL) {
            for (int h = 0; h < heads; h += TILE) {
                addUp(h, tile, c, count);
            }
        }
    }

    private void addUp(int head, float[] tile, int channel, int count) {
        int h1 = Math.min(head + 1, heads - 1);
        int h2 = Math.min(head + 2, heads - 1);
        int h3 = Math.min(head + 3, heads - 1);
        TileProducts.addRows(
                logits,
                head * ROWS,
                h1 * ROWS,
                h2 * ROWS,
                h3 * ROWS,
                1,
                count,
                tile,
                channel,
                width,
                values,
                head * valueRow + channel,
                h1 * valueRow + channel,
                h2 * valueRow + channel,
                h3 * valueRow + channel);
    }

    /** Turns the products of a head into weights, and what it has so far to the new greatest logit. */
    private void weigh(int head, int count) {
        int at = head * ROWS;
        float most = Math.max(greatest[head], scaled(at, count));
        if (most == Float.NEGATIVE_INFINITY) {
            Arrays.fill(logits, at, at + count, 0f);
            return;
        }
        rescale(head, most);
        weight[head] += Exponential.ofDifference(logits, at, most, logits, at, F.loopBound(count + LANES - 1));
    }

    /** Products to logits, and behind the last −∞ up to a whole vector: the greatest. */
    private float scaled(int at, int count) {
        FloatVector most = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        for (int r = 0; r < count; r += LANES) {
            FloatVector logit = FloatVector.fromArray(F, logits, at + r)
                    .mul(scale)
                    .blend(Float.NEGATIVE_INFINITY, F.indexInRange(r, count).not());
            logit.intoArray(logits, at + r);
            most = most.max(logit);
        }
        return most.reduceLanes(VectorOperators.MAX);
    }

    private void rescale(int head, float most) {
        if (most == greatest[head]) {
            return;
        }
        float factor = (float) Math.exp(greatest[head] - most);
        greatest[head] = most;
        weight[head] *= factor;
        for (int i = head * valueRow; i < (head + 1) * valueRow; i++) {
            values[i] *= factor;
        }
    }

    /** Adds what another has seen, of the same heads. */
    void join(RunningSoftmax other) {
        for (int h = 0; h < heads; h++) {
            float most = Math.max(greatest[h], other.greatest[h]);
            if (other.weight[h] == 0) {
                continue;
            }
            rescale(h, most);
            float factor = (float) Math.exp(other.greatest[h] - most);
            weight[h] += other.weight[h] * factor;
            for (int i = h * valueRow; i < (h + 1) * valueRow; i++) {
                values[i] += other.values[i] * factor;
            }
        }
    }

    /** The outputs [heads, value width], and log Σ e^logit without the sinks, −∞ where there was no key. */
    void finish(float @Nullable [] sinks, float[] output, int outputAt, float[] logSumExp, int sumAt) {
        for (int h = 0; h < heads; h++) {
            double sink = sinks == null ? Double.NEGATIVE_INFINITY : sinks[h];
            logSumExp[sumAt + h] =
                    weight[h] == 0 ? Float.NEGATIVE_INFINITY : (float) (greatest[h] + Math.log(weight[h]));
            float factor = weight[h] == 0 ? 0f : (float) (1 / (weight[h] + Math.exp(sink - greatest[h])));
            for (int i = 0; i < valueWidth; i++) {
                output[outputAt + h * valueWidth + i] = values[h * valueRow + i] * factor;
            }
        }
    }
}
