package org.filigree.attention;

import static org.filigree.core.backend.simd.TileProducts.PANEL;
import static org.filigree.core.backend.simd.TileProducts.TILE;

import java.util.Arrays;
import org.filigree.core.backend.simd.Exponential;
import org.filigree.core.backend.simd.TileProducts;
import org.jspecify.annotations.Nullable;

/**
 * Attention of the heads of one token over keys that come a tile at a time: for each head the greatest logit m so far, Σ e^(logit − m), and
 * the values under the same weights (Milakov and Gimelshein, 2018). All heads share the keys; values are the first channels of keys.
 */
final class RunningSoftmax {
    /** Most keys of a tile: 64 rows of 576 floats are 144 KiB, which the second-level cache holds beside queries and sums. */
    static final int ROWS = 64;

    private final int heads;
    private final int width;
    private final int valueWidth;
    private final float scale;
    private final float[] greatest;
    private final float[] weight;
    private final float[] values;
    private final float[] logits;
    private final float[] sums = new float[TileProducts.SUMS];

    RunningSoftmax(int heads, int width, int valueWidth, float scale) {
        this.heads = heads;
        this.width = width;
        this.valueWidth = valueWidth;
        this.scale = scale;
        this.greatest = new float[heads];
        Arrays.fill(greatest, Float.NEGATIVE_INFINITY);
        this.weight = new float[heads];
        this.values = new float[heads * valueWidth];
        this.logits = new float[heads * ROWS];
    }

    /** Adds the first {@code count} keys of a tile [ROWS, width], 1 or more. */
    void add(float[] queries, int queriesAt, float[] tile, int count) {
        for (int h = 0; h < heads; h += TILE) {
            for (int r = 0; r < count; r += TILE) {
                products(queries, queriesAt, h, tile, r, count);
            }
        }
        for (int h = 0; h < heads; h++) {
            weigh(h, count);
        }
        for (int h = 0; h < heads; h += TILE) {
            int h1 = Math.min(h + 1, heads - 1);
            int h2 = Math.min(h + 2, heads - 1);
            int h3 = Math.min(h + 3, heads - 1);
            for (int c = 0; c < valueWidth; c += PANEL) {
                TileProducts.addRows(
                        logits,
                        h * ROWS,
                        h1 * ROWS,
                        h2 * ROWS,
                        h3 * ROWS,
                        1,
                        count,
                        tile,
                        c,
                        width,
                        values,
                        h * valueWidth + c,
                        h1 * valueWidth + c,
                        h2 * valueWidth + c,
                        h3 * valueWidth + c);
            }
        }
    }

    /** Four heads times four keys; at the ends the last one is named again. */
    private void products(float[] queries, int queriesAt, int head, float[] tile, int row, int count) {
        int h1 = Math.min(head + 1, heads - 1);
        int h2 = Math.min(head + 2, heads - 1);
        int h3 = Math.min(head + 3, heads - 1);
        int r1 = Math.min(row + 1, count - 1);
        int r2 = Math.min(row + 2, count - 1);
        int r3 = Math.min(row + 3, count - 1);
        TileProducts.dots(
                queries,
                queriesAt + head * width,
                queriesAt + h1 * width,
                queriesAt + h2 * width,
                queriesAt + h3 * width,
                tile,
                row * width,
                r1 * width,
                r2 * width,
                r3 * width,
                width,
                sums);
        for (int i = 0; i < Math.min(TILE, heads - head); i++) {
            for (int j = 0; j < Math.min(TILE, count - row); j++) {
                logits[(head + i) * ROWS + row + j] = scale * sums[i * TILE + j];
            }
        }
    }

    /** Turns the logits of a head into weights, and what it has so far to the new greatest logit. */
    private void weigh(int head, int count) {
        int at = head * ROWS;
        float most = greatest[head];
        for (int r = at; r < at + count; r++) {
            most = Math.max(most, logits[r]);
        }
        if (most == Float.NEGATIVE_INFINITY) {
            Arrays.fill(logits, at, at + count, 0f);
            return;
        }
        rescale(head, most);
        weight[head] += Exponential.ofDifference(logits, at, most, logits, at, count);
    }

    private void rescale(int head, float most) {
        if (most == greatest[head]) {
            return;
        }
        float factor = (float) Math.exp(greatest[head] - most);
        greatest[head] = most;
        weight[head] *= factor;
        for (int i = head * valueWidth; i < (head + 1) * valueWidth; i++) {
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
            for (int i = h * valueWidth; i < (h + 1) * valueWidth; i++) {
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
                output[outputAt + h * valueWidth + i] = values[h * valueWidth + i] * factor;
            }
        }
    }
}
