package org.filigree.attention;

import static org.filigree.attention.TileProduct.STRIP;

import java.util.Arrays;

/**
 * Copies rows of tensors into the orders that {@link TileProduct} reads. Row r lies at {@code at + (r / group)·stride + (r % group)·width}:
 * a token, and in it one of the heads that share a key head.
 *
 * @param x elements
 * @param at row 0
 * @param stride from one token to the next
 * @param group rows of a token
 * @param width of a row
 */
@SuppressWarnings("ArrayRecordComponent") // Names a place in an array.
record TilePacking(float[] x, int at, int stride, int group, int width) {
    int row(int r) {
        return at + r / group * stride + r % group * width;
    }

    /** [rows / height, width, height]: rows side by side for each channel, times a factor, zeros behind the last. */
    void turn(int from, int to, int height, float factor, float[] out, int outAt) {
        for (int first = from; first < to; first += height) {
            int block = outAt + (first - from) * width;
            int present = Math.min(height, to - first);
            if (present < height) {
                Arrays.fill(out, block, block + height * width, 0f);
            }
            int i = 0;
            for (; i + 4 <= present; i += 4) {
                turnFour(
                        row(first + i),
                        row(first + i + 1),
                        row(first + i + 2),
                        row(first + i + 3),
                        height,
                        factor,
                        out,
                        block + i);
            }
            for (; i < present; i++) {
                int source = row(first + i);
                for (int c = 0; c < width; c++) {
                    out[block + c * height + i] = x[source + c] * factor;
                }
            }
        }
    }

    private void turnFour(int r0, int r1, int r2, int r3, int height, float factor, float[] out, int outAt) {
        for (int c = 0; c < width; c++) {
            int target = outAt + c * height;
            out[target] = x[r0 + c] * factor;
            out[target + 1] = x[r1 + c] * factor;
            out[target + 2] = x[r2 + c] * factor;
            out[target + 3] = x[r3 + c] * factor;
        }
    }

    /** [strips, rows, STRIP]: strips of channels, times a factor; zeros beside the last channel. Strips begin {@code step} apart. */
    void strips(int from, int to, float factor, float[] out, int outAt, int step) {
        for (int c = 0; c < width; c += STRIP) {
            int present = Math.min(STRIP, width - c);
            int target = outAt + c / STRIP * step;
            for (int r = from; r < to; r++, target += STRIP) {
                int source = row(r) + c;
                for (int i = 0; i < present; i++) {
                    out[target + i] = x[source + i] * factor;
                }
                for (int i = present; i < STRIP; i++) {
                    out[target + i] = 0f;
                }
            }
        }
    }

    /** What {@link #strips} does, back into this place, each row times its own factor. */
    void spread(int from, int to, float[] factors, float[] strips, int stripsAt, int step) {
        for (int r = from; r < to; r++) {
            float factor = factors[r - from];
            for (int c = 0; c < width; c += STRIP) {
                int present = Math.min(STRIP, width - c);
                int source = stripsAt + c / STRIP * step + (r - from) * STRIP;
                int target = row(r) + c;
                for (int i = 0; i < present; i++) {
                    x[target + i] = strips[source + i] * factor;
                }
            }
        }
    }
}
