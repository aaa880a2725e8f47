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
 * <p>A task owns the gradients of its queries and keeps sums of its own for those of keys and values. So that these sums are bounded,
 * all tasks go through the keys in the same segments: with n tasks and widths padded to whole strips,
 *
 * <pre>
 * floats of all sums = n·segment·(width + value width) ≤ 2^24      where the queries of a key head are dealt out to several tasks
 * </pre>
 *
 * <p>and where they are not, each task has one head's gradients at a time, which is less than the result. Segments consist of whole tiles
 * of keys and follow from sizes alone; since sums go over keys in the same order in any case, they show in no bit.
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

    /** Sums that all tasks together hold, 64 MiB of them. */
    private static final long MOST_SUMS = 1L << 24;

    /** Keys of a segment: whole tiles, one at least. */
    static int segment(TileGrid grid) {
        if (grid.parts == 1) {
            return Math.max(KEYS, TileGrid.padded(grid.keys, KEYS));
        }
        int strips = TileGrid.stripsOfWidth(grid.width) + TileGrid.stripsOfWidth(grid.valueWidth);
        long keys = MOST_SUMS / ((long) grid.tasks() * strips * STRIP);
        return Math.clamp(keys / KEYS, 1, Math.ceilDiv(grid.keys, KEYS)) * KEYS;
    }

    /** Sums over some queries, of the keys of a segment, in strips of channels [strips, padded keys, STRIP]. */
    record KeySums(float[] keys, float[] values) {
        static KeySums zeros(TileGrid grid, int segment) {
            int rows = TileGrid.padded(segment, HEIGHT) * STRIP;
            return new KeySums(
                    new float[TileGrid.stripsOfWidth(grid.width) * rows],
                    new float[TileGrid.stripsOfWidth(grid.valueWidth) * rows]);
        }
    }

    /** Operands of the products, packed: a segment of the keys of one head, then a tile of queries. */
    private record Packed(
            float[] keyPanels,
            float[] keyStrips,
            float[] valuePanels,
            float[] turnedQueries,
            float[] queryStrips,
            float[] turnedUp,
            float[] upStrips,
            float[] dQueries) {
        static Packed borrow(TileGrid grid, int segment, ScratchBuffers scratch) {
            int rows = STRIPS * STRIP;
            int widthStrips = TileGrid.stripsOfWidth(grid.width);
            return new Packed(
                    scratch.borrow(TileGrid.padded(segment, HEIGHT) * grid.width),
                    scratch.borrow(widthStrips * segment * STRIP),
                    scratch.borrow(TileGrid.padded(segment, HEIGHT) * grid.valueWidth),
                    scratch.borrow(rows * grid.width),
                    scratch.borrow(rows * widthStrips * STRIP),
                    scratch.borrow(rows * grid.valueWidth),
                    scratch.borrow(rows * TileGrid.stripsOfWidth(grid.valueWidth) * STRIP),
                    scratch.borrow(rows * widthStrips * STRIP));
        }

        /** Takes up sums that an earlier segment left unscaled. */
        void resume(TilePacking sums, int firstRow, int count, int rows) {
            for (int s = 0; s < count; s++) {
                int row = firstRow + s * STRIP;
                strips(sums, row, Math.min(rows, row + STRIP), 1f, dQueries, s);
            }
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

    /** What the queries of a task add to the gradients of keys {@code begin ≤ key < end}, a segment. */
    KeySums run(int task, int begin, int end, ScratchBuffers scratch) {
        int segment = end - begin;
        int part = task % grid.parts;
        int keyHead = task / grid.parts % grid.keyHeads;
        int sequence = task / grid.parts / grid.keyHeads;
        int width = grid.width;
        int valueWidth = grid.valueWidth;
        int widthStrips = TileGrid.stripsOfWidth(width);
        int valueStrips = TileGrid.stripsOfWidth(valueWidth);
        Packed packed = Packed.borrow(grid, segment, scratch);
        TilePacking keys = grid.keys(k, sequence, keyHead, width);
        keys.turn(begin, end, HEIGHT, 1f, packed.keyPanels, 0);
        keys.strips(begin, end, 1f, packed.keyStrips, 0, segment * STRIP);
        grid.keys(v, sequence, keyHead, valueWidth).turn(begin, end, HEIGHT, 1f, packed.valuePanels, 0);
        TilePacking dQueries = grid.queries(dq, sequence, keyHead, width);
        KeySums sums = KeySums.zeros(grid, segment);
        float[] lse = new float[STRIPS * STRIP];
        float[] offsets = new float[STRIPS * STRIP];
        float[] p = new float[KEYS * STRIP];
        float[] ds = new float[KEYS * STRIP];
        float[] low = new float[STRIP];
        float[] high = new float[STRIP];
        float[] scales = new float[STRIP];
        for (int tile = part; tile < grid.tiles; tile += grid.parts) {
            int strips = grid.stripsOf(tile);
            int firstRow = tile * STRIPS * STRIP;
            int firstKey = grid.firstKeyTile(tile) * KEYS;
            int keyEnd = grid.keyEnd(tile);
            if (firstKey >= end || keyEnd <= begin) {
                continue;
            }
            packQueries(packed, sequence, keyHead, firstRow, strips, lse, offsets);
            if (firstKey < begin) {
                packed.resume(dQueries, firstRow, strips, grid.rows);
            }
            for (int key = Math.max(begin, firstKey); key < Math.min(end, keyEnd); key += KEYS) {
                for (int s = 0; s < strips; s++) {
                    int strip = tile * STRIPS + s;
                    int met = grid.met(strip, key);
                    if (met == 0) {
                        continue;
                    }
                    int all = TileGrid.padded(met, HEIGHT);
                    TiledForward.multiplyKeys(
                            met, width, packed.keyPanels, key - begin, packed.turnedQueries, s * STRIP * width, p);
                    if (!grid.seesAll(strip, key, all)) {
                        LogitTile.bounds(grid.from, grid.to, strip * STRIP, key, met, low, high);
                        LogitTile.hide(p, all, low, high);
                    }
                    LogitTile.lower(p, all, lse, s * STRIP);
                    Exponential.ofDifference(p, 0, 0f, p, 0, all * STRIP);
                    TiledForward.multiplyKeys(
                            met,
                            valueWidth,
                            packed.valuePanels,
                            key - begin,
                            packed.turnedUp,
                            s * STRIP * valueWidth,
                            ds);
                    LogitTile.throughSoftmax(p, ds, all, offsets, s * STRIP);
                    TiledForward.multiplyRows(
                            met,
                            ds,
                            packed.keyStrips,
                            key - begin,
                            segment,
                            widthStrips,
                            packed.dQueries,
                            s * STRIP * widthStrips * STRIP);
                    int target = (key - begin) * STRIP;
                    int step = TileGrid.padded(segment, HEIGHT) * STRIP;
                    addUp(all, ds, packed.queryStrips, s, widthStrips, sums.keys, target, step);
                    addUp(all, p, packed.upStrips, s, valueStrips, sums.values, target, step);
                }
            }
            Arrays.fill(scales, keyEnd <= end ? scale : 1f);
            for (int s = 0; s < strips; s++) {
                int row = firstRow + s * STRIP;
                dQueries.spread(
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
    private static void addUp(
            int keys, float[] weights, float[] rows, int s, int count, float[] sums, int at, int step) {
        for (int c = 0; c < count; c++) {
            int right = (s * count + c) * STRIP * STRIP;
            for (int j = 0; j < keys; j += HEIGHT) {
                int target = at + c * step + j * STRIP;
                TileProduct.rows(STRIP, weights, j * STRIP, STRIP, rows, right, sums, target, Update.ACCUMULATE);
            }
        }
    }
}
