package org.filigree.attention;

import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;

import java.util.Arrays;
import org.filigree.attention.TileProduct.Update;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.simd.Exponential;

/**
 * The backward pass of sparse attention, a block of tokens after the other. First, token by token, weights p and their gradients ds, and
 * from these the gradients of the queries. Then, strip of channels by strip, what every token adds to its keys,
 *
 * <pre>
 * dk += Σ_heads ds·scale·q    dv += Σ_heads p·up
 * </pre>
 *
 * in the order of the tokens: a strip has one owner, so that tokens may share keys, and sums do not depend on threads.
 */
@SuppressWarnings("ArrayRecordComponent") // Operands of a kernel.
record SparseBackward(SparseTiles tiles, OutputGradient upstream, float[] logSumExp, float[] dq, float[] dkv) {
    /** Weights of a block at most, and as many gradients of weights: 32 MiB each. */
    private static final int BLOCK_FLOATS = 1 << 23;

    private static final int MOST_TOKENS = 16;

    /** What the first step leaves to the second, for each token of a block. */
    private record Block(int[] counts, int[][] named, float[][] p, float[][] ds, float[][] queries, float[][] ups) {}

    void run(Workers workers) {
        int padded = TileGrid.padded(tiles.chosen, SparseTiles.KEYS);
        int weights = tiles.headStrips * STRIP * padded;
        int tokens = Math.clamp(BLOCK_FLOATS / Math.max(1, weights), 1, Math.min(MOST_TOKENS, tiles.queries()));
        Block block = new Block(
                new int[tokens],
                new int[tokens][tiles.chosen],
                new float[tokens][weights],
                new float[tokens][weights],
                new float[tokens][tiles.headStrips * tiles.widthStrips * STRIP * STRIP],
                new float[tokens][tiles.headStrips * tiles.valueStrips * STRIP * STRIP]);
        for (int first = 0; first < tiles.queries(); first += tokens) {
            int start = first;
            int count = Math.min(tokens, tiles.queries() - first);
            workers.parallelFor(count, i -> throughWeights(start + i, i, block, workers.scratch()));
            workers.parallelFor(tiles.widthStrips, strip -> {
                float[] products = new float[HEIGHT * STRIP];
                for (int i = 0; i < count; i++) {
                    intoKeys(start + i, i, strip, block, products);
                }
            });
        }
    }

    /** Where the weights of a strip of heads begin. */
    private int weightsAt(Block block, int strip) {
        return strip * (block.p[0].length / tiles.headStrips);
    }

    private void throughWeights(int token, int place, Block block, ScratchBuffers scratch) {
        int count = tiles.named(token, 0, tiles.chosen, block.named[place]);
        block.counts[place] = count;
        int width = tiles.width;
        int valueWidth = tiles.valueWidth;
        TilePacking queries = tiles.headsOf(tiles.q, token, width);
        TilePacking ups = tiles.headsOf(upstream.up(), token, valueWidth);
        strips(queries, tiles.scale, tiles.widthStrips, block.queries[place]);
        strips(ups, 1f, tiles.valueStrips, block.ups[place]);
        float[] turned = scratch.borrow(tiles.headStrips * STRIP * width);
        queries.turn(0, tiles.heads, STRIP, tiles.scale, turned, 0);
        float[] turnedUp = scratch.borrow(tiles.headStrips * STRIP * valueWidth);
        ups.turn(0, tiles.heads, STRIP, 1f, turnedUp, 0);
        int sumFloats = tiles.widthStrips * STRIP * STRIP;
        float[] sums = scratch.borrow(tiles.headStrips * sumFloats);
        Arrays.fill(sums, 0, tiles.headStrips * sumFloats, 0f);
        float[] lse = new float[tiles.headStrips * STRIP];
        float[] offset = new float[tiles.headStrips * STRIP];
        for (int h = 0; h < tiles.heads; h++) {
            lse[h] = Math.max(logSumExp[token * tiles.heads + h], -Float.MAX_VALUE);
            offset[h] = upstream.offset()[token * tiles.heads + h];
        }
        float[] tile = tiles.tile();
        float[] logits = new float[SparseTiles.KEYS * STRIP];
        float[] gradients = new float[SparseTiles.KEYS * STRIP];
        for (int first = 0; first < count; first += SparseTiles.KEYS) {
            int met = Math.min(SparseTiles.KEYS, count - first);
            tiles.gather(token, block.named[place], first, first + met, tile);
            for (int s = 0; s < tiles.headStrips; s++) {
                tiles.multiply(met, width, tile, turned, s * STRIP * width, logits, 0);
                LogitTile.lower(logits, met, lse, s * STRIP);
                Exponential.ofDifference(logits, 0, 0f, logits, 0, met * STRIP);
                tiles.multiply(met, valueWidth, tile, turnedUp, s * STRIP * valueWidth, gradients, 0);
                LogitTile.throughSoftmax(logits, gradients, met, offset, s * STRIP);
                tiles.addUp(met, gradients, 0, s, tile, tiles.widthStrips, sums, s * sumFloats);
                int at = weightsAt(block, s) + first * STRIP;
                System.arraycopy(logits, 0, block.p[place], at, met * STRIP);
                System.arraycopy(gradients, 0, block.ds[place], at, met * STRIP);
            }
        }
        float[] scales = new float[STRIP];
        Arrays.fill(scales, tiles.scale);
        TilePacking target = tiles.headsOf(dq, token, width);
        for (int s = 0; s < tiles.headStrips; s++) {
            int end = Math.min(tiles.heads, (s + 1) * STRIP);
            target.spread(s * STRIP, end, scales, sums, s * sumFloats, STRIP * STRIP);
        }
        scratch.giveBack(sums);
        scratch.giveBack(turnedUp);
        scratch.giveBack(turned);
    }

    /** [strips of heads, strips of channels, STRIP heads, STRIP]; heads that are not there stay zero. */
    private void strips(TilePacking rows, float factor, int strips, float[] out) {
        for (int s = 0; s < tiles.headStrips; s++) {
            int end = Math.min(tiles.heads, (s + 1) * STRIP);
            rows.strips(s * STRIP, end, factor, out, s * strips * STRIP * STRIP, STRIP * STRIP);
        }
    }

    private void intoKeys(int token, int place, int strip, Block block, float[] products) {
        int count = block.counts[place];
        int[] named = block.named[place];
        int sequence = token / tiles.tokens * tiles.keys;
        int present = Math.min(STRIP, tiles.width - strip * STRIP);
        for (int j = 0; j < count; j += HEIGHT) {
            for (int s = 0; s < tiles.headStrips; s++) {
                int at = weightsAt(block, s) + j * STRIP;
                int right = (s * tiles.widthStrips + strip) * STRIP * STRIP;
                Update update = s == 0 ? Update.OVERWRITE : Update.ACCUMULATE;
                TileProduct.rows(STRIP, block.ds[place], at, STRIP, block.queries[place], right, products, 0, update);
                if (strip < tiles.valueStrips) {
                    int value = (s * tiles.valueStrips + strip) * STRIP * STRIP;
                    TileProduct.rows(
                            STRIP, block.p[place], at, STRIP, block.ups[place], value, products, 0, Update.ACCUMULATE);
                }
            }
            for (int i = 0; i < Math.min(HEIGHT, count - j); i++) {
                add(products, i * STRIP, dkv, (sequence + named[j + i]) * tiles.width + strip * STRIP, present);
            }
        }
    }

    private static void add(float[] from, int fromAt, float[] to, int toAt, int n) {
        for (int i = 0; i < n; i++) {
            to[toAt + i] += from[fromAt + i];
        }
    }
}
