package org.filigree.attention;

import static org.filigree.attention.TileGrid.KEYS;
import static org.filigree.attention.TileGrid.STRIPS;
import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;

import java.util.Arrays;
import org.filigree.attention.TileProduct.Update;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.simd.Exponential;

/**
 * The backward pass of some tiles of queries of one key head. Weights come again from logits and log-sum-exp; with the gradient of the
 * output times the keys' share beside the sink, {@code up}, and {@code offset} = up·output − gradient of the log-sum-exp:
 *
 * <pre>
 * dp = up·v    ds = p∘(dp − offset)    dq = scale·Σ_keys ds·k    dk = Σ_queries ds·scale·q    dv = Σ_queries p·up
 * </pre>
 *
 * <p>A task owns the gradients of its queries and keeps sums of its own for those of keys and values.
 */
@SuppressWarnings("ArrayRecordComponent") // Operands of a kernel.
record TiledBackward(
        TileGrid grid,
        float[] q,
        float[] k,
        float[] v,
        float scale,
        float[] up,
        float[] logSumExp,
        float[] offset,
        float[] dq) {

    /** Sums over some queries, in strips of channels [strips, padded keys, STRIP]. */
    record KeySums(float[] keys, float[] values) {
        static KeySums zeros(TileGrid grid) {
            int rows = grid.paddedKeys() * STRIP;
            return new KeySums(
                    new float[TileGrid.stripsOfWidth(grid.width) * rows],
                    new float[TileGrid.stripsOfWidth(grid.valueWidth) * rows]);
        }
    }

    /** Operands of the products, packed: those of one key head, then those of a tile of queries. */
    private record Packed(
            float[] keyPanels,
            float[] keyStrips,
            float[] valuePanels,
            float[] turnedQueries,
            float[] queryStrips,
            float[] turnedUp,
            float[] upStrips,
            float[] dQueries) {
        static Packed borrow(TileGrid grid, ScratchBuffers scratch) {
            int rows = STRIPS * STRIP;
            int widthStrips = TileGrid.stripsOfWidth(grid.width);
            return new Packed(
                    scratch.borrow(grid.paddedKeys() * grid.width),
                    scratch.borrow(widthStrips * grid.keys * STRIP),
                    scratch.borrow(grid.paddedKeys() * grid.valueWidth),
                    scratch.borrow(rows * grid.width),
                    scratch.borrow(rows * widthStrips * STRIP),
                    scratch.borrow(rows * grid.valueWidth),
                    scratch.borrow(rows * TileGrid.stripsOfWidth(grid.valueWidth) * STRIP),
                    scratch.borrow(rows * widthStrips * STRIP));
        }

        void giveBack(ScratchBuffers scratch) {
            scratch.giveBack(keyPanels);
            scratch.giveBack(keyStrips);
            scratch.giveBack(valuePanels);
            scratch.giveBack(turnedQueries);
            scratch.giveBack(queryStrips);
            scratch.giveBack(turnedUp);
            scratch.giveBack(upStrips);
            scratch.giveBack(dQueries);
        }
    }

    KeySums run(int task, ScratchBuffers scratch) {
        int part = task % grid.parts;
        int keyHead = task / grid.parts % grid.keyHeads;
        int sequence = task / grid.parts / grid.keyHeads;
        int width = grid.width;
        int valueWidth = grid.valueWidth;
        int widthStrips = TileGrid.stripsOfWidth(width);
        int valueStrips = TileGrid.stripsOfWidth(valueWidth);
        Packed packed = Packed.borrow(grid, scratch);
        TilePacking keys = grid.keys(k, sequence, keyHead, width);
        keys.turn(0, grid.keys, HEIGHT, 1f, packed.keyPanels, 0);
        keys.strips(0, grid.keys, 1f, packed.keyStrips, 0, grid.keys * STRIP);
        grid.keys(v, sequence, keyHead, valueWidth).turn(0, grid.keys, HEIGHT, 1f, packed.valuePanels, 0);
        KeySums sums = KeySums.zeros(grid);
        float[] lse = new float[STRIPS * STRIP];
        float[] offsets = new float[STRIPS * STRIP];
        float[] p = new float[KEYS * STRIP];
        float[] ds = new float[KEYS * STRIP];
        float[] low = new float[STRIP];
        float[] high = new float[STRIP];
        float[] scales = new float[STRIP];
        Arrays.fill(scales, scale);
        for (int tile = part; tile < grid.tiles; tile += grid.parts) {
            int strips = grid.stripsOf(tile);
            int firstRow = tile * STRIPS * STRIP;
            packQueries(packed, sequence, keyHead, firstRow, strips, lse, offsets);
            int keyEnd = grid.keyEnd(tile);
            for (int key = grid.firstKeyTile(tile) * KEYS; key < keyEnd; key += KEYS) {
                for (int s = 0; s < strips; s++) {
                    int strip = tile * STRIPS + s;
                    int met = grid.met(strip, key);
                    if (met == 0) {
                        continue;
                    }
                    int all = TileGrid.padded(met, HEIGHT);
                    TiledForward.multiplyKeys(
                            met, width, packed.keyPanels, key, packed.turnedQueries, s * STRIP * width, p);
                    if (!grid.seesAll(strip, key, all)) {
                        LogitTile.bounds(grid.from, grid.to, strip * STRIP, key, met, low, high);
                        LogitTile.hide(p, all, low, high);
                    }
                    LogitTile.lower(p, all, lse, s * STRIP);
                    Exponential.ofDifference(p, 0, 0f, p, 0, all * STRIP);
                    TiledForward.multiplyKeys(
                            met, valueWidth, packed.valuePanels, key, packed.turnedUp, s * STRIP * valueWidth, ds);
                    LogitTile.throughSoftmax(p, ds, all, offsets, s * STRIP);
                    TiledForward.multiplyRows(
                            met,
                            ds,
                            packed.keyStrips,
                            key,
                            grid.keys,
                            widthStrips,
                            packed.dQueries,
                            s * STRIP * widthStrips * STRIP);
                    addUp(all, ds, packed.queryStrips, s, widthStrips, sums.keys, key);
                    addUp(all, p, packed.upStrips, s, valueStrips, sums.values, key);
                }
            }
            for (int s = 0; s < strips; s++) {
                int row = firstRow + s * STRIP;
                grid.queries(dq, sequence, keyHead, width)
                        .spread(
                                row,
                                Math.min(grid.rows, row + STRIP),
                                scales,
                                packed.dQueries,
                                s * STRIP * widthStrips * STRIP,
                                STRIP * STRIP);
            }
        }
        packed.giveBack(scratch);
        return sums;
    }

    private void packQueries(
            Packed packed, int sequence, int keyHead, int firstRow, int strips, float[] lse, float[] offsets) {
        TilePacking queries = grid.queries(q, sequence, keyHead, grid.width);
        TilePacking ups = grid.queries(up, sequence, keyHead, grid.valueWidth);
        int end = Math.min(grid.rows, firstRow + strips * STRIP);
        queries.turn(firstRow, end, STRIP, scale, packed.turnedQueries, 0);
        ups.turn(firstRow, end, STRIP, 1f, packed.turnedUp, 0);
        for (int s = 0; s < strips; s++) {
            int row = firstRow + s * STRIP;
            int stop = Math.min(end, row + STRIP);
            strips(queries, row, stop, scale, packed.queryStrips, s);
            strips(ups, row, stop, 1f, packed.upStrips, s);
        }
        Arrays.fill(packed.dQueries, 0, strips * STRIP * TileGrid.stripsOfWidth(grid.width) * STRIP, 0f);
        Arrays.fill(lse, 0f);
        Arrays.fill(offsets, 0f);
        for (int row = firstRow; row < end; row++) {
            int scalar = grid.scalar(sequence, keyHead, row);
            lse[row - firstRow] = Math.max(logSumExp[scalar], -Float.MAX_VALUE);
            offsets[row - firstRow] = offset[scalar];
        }
    }

    private static void strips(TilePacking rows, int from, int to, float factor, float[] out, int s) {
        int size = TileGrid.stripsOfWidth(rows.width()) * STRIP * STRIP;
        if (to - from < STRIP) {
            Arrays.fill(out, s * size, (s + 1) * size, 0f);
        }
        rows.strips(from, to, factor, out, s * size, STRIP * STRIP);
    }

    /** [strips, keys, STRIP] += weights·rows, over the queries of a strip. */
    private void addUp(int keys, float[] weights, float[] rows, int s, int count, float[] sums, int key) {
        for (int c = 0; c < count; c++) {
            int right = (s * count + c) * STRIP * STRIP;
            for (int j = 0; j < keys; j += HEIGHT) {
                int target = (c * grid.paddedKeys() + key + j) * STRIP;
                TileProduct.rows(STRIP, weights, j * STRIP, STRIP, rows, right, sums, target, Update.ACCUMULATE);
            }
        }
    }
}
