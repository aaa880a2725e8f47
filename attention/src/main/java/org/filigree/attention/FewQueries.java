package org.filigree.attention;

import static org.filigree.attention.TileGrid.KEYS;
import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;

import java.util.Arrays;
import org.filigree.attention.TileProduct.Update;
import org.filigree.core.backend.Workers;

/**
 * The forward pass where the queries of a key head fill one strip at most, as in decoding: packing keys would take longer than their
 * products, so keys and values are read where they lie, and the keys are cut into parts, which are joined in order. The number of parts
 * follows from the shape alone.
 *
 * @param whole operands and results
 */
record FewQueries(TiledForward whole) {
    /** Tasks to have at least, if there are keys enough. */
    private static final int TASKS = 16;

    /** Peaks, totals and sums of a strip of queries over some of its keys, relative to the peaks. */
    @SuppressWarnings("ArrayRecordComponent") // Operands of a kernel.
    private record Part(float[] peaks, float[] totals, float[] sums) {
        static Part empty(int sumFloats) {
            Part part = new Part(new float[STRIP], new float[STRIP], new float[sumFloats]);
            Arrays.fill(part.peaks, -Float.MAX_VALUE);
            return part;
        }

        /** Adds another part's keys. */
        void join(Part other) {
            for (int lane = 0; lane < STRIP; lane++) {
                float peak = Math.max(peaks[lane], other.peaks[lane]);
                float keep = (float) Math.exp(peaks[lane] - (double) peak);
                float take = (float) Math.exp(other.peaks[lane] - (double) peak);
                peaks[lane] = peak;
                totals[lane] = totals[lane] * keep + other.totals[lane] * take;
                for (int at = lane * STRIP; at < sums.length; at += STRIP * STRIP) {
                    for (int i = at; i < at + STRIP; i++) {
                        sums[i] = sums[i] * keep + other.sums[i] * take;
                    }
                }
            }
        }
    }

    void run(Workers workers) {
        TileGrid grid = whole.grid();
        int heads = grid.batch * grid.keyHeads;
        int tiles = Math.ceilDiv(grid.keys, KEYS);
        int parts = Math.clamp(Math.ceilDiv(TASKS, heads), 1, Math.max(1, tiles / 2));
        int length = Math.ceilDiv(tiles, parts) * KEYS;
        int stripFloats = TileGrid.stripsOfWidth(grid.valueWidth) * STRIP * STRIP;
        var all = new Part[heads * parts];
        workers.parallelFor(all.length, task -> {
            Part part = Part.empty(stripFloats);
            int from = Math.min(grid.keys, task % parts * length);
            attend(task / parts, from, Math.min(grid.keys, from + length), part);
            all[task] = part;
        });
        for (int head = 0; head < heads; head++) {
            Part joined = all[head * parts];
            for (int part = 1; part < parts; part++) {
                joined.join(all[head * parts + part]);
            }
            whole.finish(
                    head / grid.keyHeads,
                    head % grid.keyHeads,
                    0,
                    joined.peaks(),
                    joined.totals(),
                    0,
                    new float[STRIP],
                    joined.sums(),
                    TileGrid.stripsOfWidth(grid.valueWidth));
        }
    }

    private void attend(int head, int from, int to, Part part) {
        TileGrid grid = whole.grid();
        int sequence = head / grid.keyHeads;
        int keyHead = head % grid.keyHeads;
        int width = grid.width;
        int valueStrips = TileGrid.stripsOfWidth(grid.valueWidth);
        int padded = valueStrips * STRIP;
        TilePacking keys = grid.keys(whole.k(), sequence, keyHead, width);
        TilePacking values = grid.keys(whole.v(), sequence, keyHead, grid.valueWidth);
        float[] turned = new float[STRIP * width];
        grid.queries(whole.q(), sequence, keyHead, width).turn(0, grid.rows, STRIP, whole.scale(), turned, 0);
        float[] logits = new float[KEYS * STRIP];
        float[] keep = new float[STRIP];
        float[] low = new float[STRIP];
        float[] high = new float[STRIP];
        boolean fullStrips = padded == grid.valueWidth;
        float[] lastKeys = new float[to == grid.keys ? KEYS * width : 0];
        float[] paddedValues = new float[fullStrips ? 0 : KEYS * padded];
        for (int key = from; key < to; key += KEYS) {
            int met = grid.met(0, key);
            if (met == 0) {
                continue;
            }
            boolean within = key + TileGrid.padded(met, HEIGHT) <= grid.keys;
            if (!within) {
                copy(keys, key, met, lastKeys, width);
            }
            multiply(
                    met,
                    width,
                    within ? whole.k() : lastKeys,
                    within ? keys.row(key) : 0,
                    within ? keys.stride() : width,
                    turned,
                    logits);
            if (!grid.seesAll(0, key, met)) {
                LogitTile.bounds(grid.from, grid.to, 0, key, met, low, high);
                LogitTile.hide(logits, met, low, high);
            }
            TiledForward.weigh(logits, met, part.peaks(), part.totals(), 0, keep);
            LogitTile.scaleRows(part.sums(), 0, valueStrips, keep);
            if (fullStrips) {
                addUp(met, logits, whole.v(), values.row(key), values.stride(), valueStrips, part.sums());
            } else {
                copy(values, key, met, paddedValues, padded);
                addUp(met, logits, paddedValues, 0, padded, valueStrips, part.sums());
            }
        }
    }

    private static void copy(TilePacking rows, int first, int count, float[] tile, int step) {
        for (int j = 0; j < count; j++) {
            System.arraycopy(rows.x(), rows.row(first + j), tile, j * step, rows.width());
        }
    }

    private static void multiply(int keys, int width, float[] rows, int at, int step, float[] turned, float[] product) {
        for (int j = 0; j < keys; j += HEIGHT) {
            TileProduct.rows(width, rows, at + j * step, step, turned, 0, product, j * STRIP, Update.OVERWRITE);
        }
    }

    private void addUp(int keys, float[] weights, float[] rows, int at, int step, int strips, float[] sums) {
        int height = TileGrid.padded(whole.grid().rows, HEIGHT);
        for (int c = 0; c < strips; c++) {
            for (int i = 0; i < height; i += HEIGHT) {
                int target = (c * STRIP + i) * STRIP;
                TileProduct.turned(
                        keys, weights, i, STRIP, rows, at + c * STRIP, step, sums, target, Update.ACCUMULATE);
            }
        }
    }
}
