package org.filigree.attention;

import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;

import java.util.Arrays;
import org.filigree.core.backend.host.HostFloats;

/**
 * How dense attention is cut: rows are the queries of all heads that share a key head, token after token; strips of rows lie along the
 * lanes; a few strips meet one tile of keys after the other. Tiles of keys begin at fixed keys, whatever the queries.
 */
final class TileGrid {
    /** Keys of a tile: with their values they stay in the second-level cache, and a strip's logits in the first. */
    static final int KEYS = Math.max(1, 96 / STRIP) * STRIP;

    /** Strips that share a tile of keys. */
    static final int STRIPS = 4;

    /** Tasks to have at least, if there are queries enough; each packs the keys that it reads anew. */
    private static final int TASKS = 16;

    final int batch;
    final int tokens;
    final int keys;
    final int heads;
    final int keyHeads;
    final int group;
    final int width;
    final int valueWidth;
    final int rows;
    final int strips;
    final int tiles;
    final int parts;
    /** Keys in sight of each row, none for rows that are not there. */
    final int[] from;

    final int[] to;
    /** Keys that any row of a strip sees. */
    final int[] first;

    final int[] end;
    /** Keys that all rows of a strip see. */
    final int[] innerFirst;

    final int[] innerEnd;

    TileGrid(DenseAttentionInput input) {
        batch = input.queries().dim(0);
        tokens = input.queries().dim(1);
        keys = input.keys().dim(1);
        heads = input.queries().dim(2);
        keyHeads = input.keys().dim(2);
        group = heads / keyHeads;
        width = input.queries().dim(3);
        valueWidth = input.values().dim(3);
        rows = Math.multiplyExact(tokens, group);
        strips = Math.ceilDiv(rows, STRIP);
        tiles = Math.ceilDiv(strips, STRIPS);
        parts = Math.clamp(Math.ceilDiv(TASKS, batch * keyHeads), 1, tiles);
        from = new int[strips * STRIP];
        to = new int[strips * STRIP];
        first = new int[strips];
        end = new int[strips];
        innerFirst = new int[strips];
        innerEnd = new int[strips];
        see(input.span());
    }

    private void see(KeySpan span) {
        Arrays.fill(first, keys);
        Arrays.fill(innerEnd, keys);
        for (int row = 0; row < from.length; row++) {
            int strip = row / STRIP;
            int begin = row < rows ? span.from(row / group) : 0;
            int stop = row < rows ? span.to(row / group) : 0;
            if (begin < stop) {
                from[row] = begin;
                to[row] = stop;
                first[strip] = Math.min(first[strip], begin);
                end[strip] = Math.max(end[strip], stop);
            }
            innerFirst[strip] = Math.max(innerFirst[strip], from[row]);
            innerEnd[strip] = Math.min(innerEnd[strip], to[row]);
        }
    }

    int tasks() {
        return batch * keyHeads * parts;
    }

    int stripsOf(int tile) {
        return Math.min(STRIPS, strips - tile * STRIPS);
    }

    /** The first tile of keys that a tile of queries meets. */
    int firstKeyTile(int tile) {
        int lowest = keys;
        for (int s = tile * STRIPS; s < tile * STRIPS + stripsOf(tile); s++) {
            lowest = Math.min(lowest, first[s]);
        }
        return lowest / KEYS;
    }

    int keyEnd(int tile) {
        int highest = 0;
        for (int s = tile * STRIPS; s < tile * STRIPS + stripsOf(tile); s++) {
            highest = Math.max(highest, end[s]);
        }
        return highest;
    }

    /** Keys of a tile that a strip meets, 0 if none. */
    int met(int strip, int firstKey) {
        return first[strip] >= firstKey + KEYS ? 0 : Math.max(0, Math.min(firstKey + KEYS, end[strip]) - firstKey);
    }

    /** Whether a strip sees all of some keys, so that nothing has to be hidden. */
    boolean seesAll(int strip, int firstKey, int count) {
        return innerFirst[strip] <= firstKey && innerEnd[strip] >= firstKey + count;
    }

    static int padded(int count, int multiple) {
        return Math.ceilDiv(count, multiple) * multiple;
    }

    int paddedKeys() {
        return padded(keys, HEIGHT);
    }

    /** Strips of channels. */
    static int stripsOfWidth(int width) {
        return Math.ceilDiv(width, STRIP);
    }

    /** Rows of one key head in a tensor [batch, tokens, heads, width]. */
    TilePacking queries(float[] x, int sequence, int keyHead, int rowWidth) {
        int stride = heads * rowWidth;
        return new TilePacking(x, sequence * tokens * stride + keyHead * group * rowWidth, stride, group, rowWidth);
    }

    /** Rows of one key head in a tensor [batch, keys, key heads, width]. */
    TilePacking keys(float[] x, int sequence, int keyHead, int rowWidth) {
        int stride = keyHeads * rowWidth;
        return new TilePacking(x, sequence * keys * stride + keyHead * rowWidth, stride, 1, rowWidth);
    }

    /** Where a row's scalar lies in a tensor [batch, tokens, heads]. */
    int scalar(int sequence, int keyHead, int row) {
        return (sequence * tokens + row / group) * heads + keyHead * group + row % group;
    }

    static float[] sinks(DenseAttentionInput input) {
        return input.sinks() == null ? new float[0] : HostFloats.of(input.sinks());
    }
}
