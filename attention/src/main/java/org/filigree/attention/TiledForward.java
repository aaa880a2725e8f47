package org.filigree.attention;

import static org.filigree.attention.TileGrid.KEYS;
import static org.filigree.attention.TileGrid.STRIPS;
import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;

import java.util.Arrays;
import org.filigree.attention.TileProduct.Update;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.simd.Exponential;

/**
 * The forward pass of some tiles of queries of one key head. Logits are computed turned, keys by queries: then the softmax runs along
 * lanes, and a tile of weights is the left operand of the product with the values as it lies. Output and sum are kept relative to the
 * largest logit so far, and lowered when a larger one comes.
 */
@SuppressWarnings("ArrayRecordComponent") // Operands of a kernel.
record TiledForward(
        TileGrid grid, float[] q, float[] k, float[] v, float scale, float[] sinks, float[] output, float[] logSumExp) {

    /** Parts of a head's queries from which on they share its packed keys; fewer are tasks of many heads, each with keys of its own. */
    private static final int SHARING = 4;

    void run(Workers workers) {
        ScratchBuffers scratch = workers.scratch();
        if (grid.parts < SHARING) {
            workers.parallelFor(grid.tasks(), task -> {
                Packed own = borrow(scratch);
                pack(task / grid.parts, 0, grid.keys, own);
                attend(task, own, scratch);
                own.giveBack(scratch);
            });
            return;
        }
        var heads = new Packed[grid.batch * grid.keyHeads];
        Arrays.setAll(heads, head -> borrow(scratch));
        int chunks = Math.ceilDiv(grid.keys, KEYS);
        workers.parallelFor(heads.length * chunks, i -> {
            int from = i % chunks * KEYS;
            pack(i / chunks, from, Math.min(grid.keys, from + KEYS), heads[i / chunks]);
        });
        workers.parallelFor(grid.tasks(), task -> attend(task, heads[task / grid.parts], scratch));
        for (Packed head : heads) {
            head.giveBack(scratch);
        }
    }

    /** Keys of one key head in panels of HEIGHT, values in strips of channels. */
    private record Packed(float[] panels, float[] values) {
        void giveBack(ScratchBuffers scratch) {
            scratch.giveBack(values);
            scratch.giveBack(panels);
        }
    }

    private Packed borrow(ScratchBuffers scratch) {
        return new Packed(
                scratch.borrow(grid.paddedKeys() * grid.width),
                scratch.borrow(TileGrid.stripsOfWidth(grid.valueWidth) * grid.keys * STRIP));
    }

    /** Some keys, from a multiple of HEIGHT on. */
    private void pack(int head, int from, int to, Packed packed) {
        int sequence = head / grid.keyHeads;
        int keyHead = head % grid.keyHeads;
        grid.keys(k, sequence, keyHead, grid.width).turn(from, to, HEIGHT, 1f, packed.panels, from * grid.width);
        grid.keys(v, sequence, keyHead, grid.valueWidth)
                .strips(from, to, 1f, packed.values, from * STRIP, grid.keys * STRIP);
    }

    private void attend(int task, Packed packed, ScratchBuffers scratch) {
        int part = task % grid.parts;
        int keyHead = task / grid.parts % grid.keyHeads;
        int sequence = task / grid.parts / grid.keyHeads;
        int width = grid.width;
        int valueStrips = TileGrid.stripsOfWidth(grid.valueWidth);
        float[] panels = packed.panels;
        float[] values = packed.values;
        float[] queries = scratch.borrow(STRIPS * STRIP * width);
        float[] sums = scratch.borrow(STRIPS * STRIP * valueStrips * STRIP);
        float[] peaks = new float[STRIPS * STRIP];
        float[] totals = new float[STRIPS * STRIP];
        float[] logits = new float[KEYS * STRIP];
        float[] low = new float[STRIP];
        float[] high = new float[STRIP];
        float[] keep = new float[STRIP];
        TilePacking source = grid.queries(q, sequence, keyHead, width);
        for (int tile = part; tile < grid.tiles; tile += grid.parts) {
            int strips = grid.stripsOf(tile);
            int firstRow = tile * STRIPS * STRIP;
            source.turn(firstRow, Math.min(grid.rows, firstRow + strips * STRIP), STRIP, scale, queries, 0);
            Arrays.fill(peaks, -Float.MAX_VALUE);
            Arrays.fill(totals, 0f);
            Arrays.fill(sums, 0, strips * STRIP * valueStrips * STRIP, 0f);
            int keyEnd = grid.keyEnd(tile);
            for (int key = grid.firstKeyTile(tile) * KEYS; key < keyEnd; key += KEYS) {
                for (int s = 0; s < strips; s++) {
                    int strip = tile * STRIPS + s;
                    int met = grid.met(strip, key);
                    if (met == 0) {
                        continue;
                    }
                    multiplyKeys(met, width, panels, key, queries, s * STRIP * width, logits);
                    if (!grid.seesAll(strip, key, met)) {
                        LogitTile.bounds(grid.from, grid.to, strip * STRIP, key, met, low, high);
                        LogitTile.hide(logits, met, low, high);
                    }
                    weigh(logits, met, peaks, totals, s * STRIP, keep);
                    int sumsAt = s * STRIP * valueStrips * STRIP;
                    LogitTile.scaleRows(sums, sumsAt, valueStrips, keep);
                    multiplyRows(met, logits, values, key, grid.keys, valueStrips, sums, sumsAt);
                }
            }
            for (int s = 0; s < strips; s++) {
                finish(sequence, keyHead, firstRow + s * STRIP, peaks, totals, s, keep, sums, valueStrips);
            }
        }
        scratch.giveBack(sums);
        scratch.giveBack(queries);
    }

    /** [keys, STRIP] = K·Qᵀ, keys from {@code key} on, the last rows up to a multiple of HEIGHT without meaning. */
    static void multiplyKeys(int keys, int width, float[] panels, int key, float[] turned, int at, float[] product) {
        for (int j = 0; j < keys; j += HEIGHT) {
            TileProduct.turned(
                    width, panels, (key + j) * width, HEIGHT, turned, at, STRIP, product, j * STRIP, Update.OVERWRITE);
        }
    }

    /** [strips, STRIP queries, STRIP] += weightsᵀ·V, rows of V from {@code key} on. */
    static void multiplyRows(
            int keys, float[] weights, float[] strips, int key, int rowsOfStrip, int count, float[] sums, int at) {
        for (int c = 0; c < count; c++) {
            int right = (c * rowsOfStrip + key) * STRIP;
            for (int i = 0; i < STRIP; i += HEIGHT) {
                int target = at + (c * STRIP + i) * STRIP;
                TileProduct.turned(keys, weights, i, STRIP, strips, right, STRIP, sums, target, Update.ACCUMULATE);
            }
        }
    }

    /** Logits become weights relative to the raised peak; {@code keep} is what is left of former sums. */
    static void weigh(float[] logits, int keys, float[] peaks, float[] totals, int at, float[] keep) {
        LogitTile.raise(logits, keys, peaks, at, keep);
        Exponential.ofDifference(keep, 0, 0f, keep, 0, STRIP);
        LogitTile.lower(logits, keys, peaks, at);
        Exponential.ofDifference(logits, 0, 0f, logits, 0, keys * STRIP);
        LogitTile.addUp(logits, keys, totals, at, keep);
    }

    void finish(
            int sequence,
            int keyHead,
            int firstRow,
            float[] peaks,
            float[] totals,
            int s,
            float[] factors,
            float[] sums,
            int valueStrips) {
        int end = Math.min(grid.rows, firstRow + STRIP);
        for (int row = firstRow; row < end; row++) {
            int lane = row - firstRow;
            float total = totals[s * STRIP + lane];
            int scalar = grid.scalar(sequence, keyHead, row);
            float lse = (float) (peaks[s * STRIP + lane] + Math.log(total));
            float share = sinks.length == 0 ? 1f : OutputGradient.share(sinks[scalar % grid.heads], lse);
            logSumExp[scalar] = lse;
            factors[lane] = total == 0 ? 0f : share / total;
        }
        grid.queries(output, sequence, keyHead, grid.valueWidth)
                .spread(firstRow, end, factors, sums, s * STRIP * valueStrips * STRIP, STRIP * STRIP);
    }
}
