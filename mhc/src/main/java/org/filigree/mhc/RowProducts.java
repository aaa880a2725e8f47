package org.filigree.mhc;

import static org.filigree.core.backend.simd.TileProducts.PANEL;
import static org.filigree.core.backend.simd.TileProducts.TILE;

import java.util.Arrays;
import org.filigree.core.backend.simd.TileProducts;

/**
 * Products with φ, whose 24 rows (at n = 4) are too few for a general matrix product to run at speed, in the backward pass. φ and its
 * gradient lie in panels of columns, all rows of a panel one after the other, so that tiles read and write memory in order.
 */
final class RowProducts {
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

    /**
     * y_t[c] += Σ_o weights[t][o]·φ[o][c] for one panel of columns, rows of y {@code stride} apart. Tiles at the end repeat the last token:
     * both copies hold and store the same.
     */
    static void addProduct(
            float[] weights, int tall, float[] panels, int panel, float[] y, int yAt, int stride, int tokens) {
        for (int t = 0; t < tokens; t += TILE) {
            int t1 = Math.min(t + 1, tokens - 1);
            int t2 = Math.min(t + 2, tokens - 1);
            int t3 = Math.min(t + 3, tokens - 1);
            TileProducts.addRows(
                    weights,
                    t * tall,
                    t1 * tall,
                    t2 * tall,
                    t3 * tall,
                    1,
                    tall,
                    panels,
                    panel,
                    PANEL,
                    y,
                    yAt + t * stride,
                    yAt + t1 * stride,
                    yAt + t2 * stride,
                    yAt + t3 * stride);
        }
    }

    /** panels[o][c] += Σ_t weights[t][o]·x_t[c] for one panel of columns: the gradient of φ. */
    static void addOuter(float[] weights, int tall, float[] x, int tokens, float[] panels, int panel) {
        for (int o = 0; o < tall; o += TILE) {
            int at = panel + o * PANEL;
            TileProducts.addRows(
                    weights,
                    o,
                    o + 1,
                    o + 2,
                    o + 3,
                    tall,
                    tokens,
                    x,
                    0,
                    PANEL,
                    panels,
                    at,
                    at + PANEL,
                    at + 2 * PANEL,
                    at + 3 * PANEL);
        }
    }
}
