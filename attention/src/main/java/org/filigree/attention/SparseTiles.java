package org.filigree.attention;

import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;

import org.filigree.attention.TileProduct.Update;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.backend.simd.TileProducts;

/**
 * Sizes and operands of sparse attention on arrays, and the steps that forward and backward passes share. For one token, heads lie along
 * the lanes and the chosen keys meet them in tiles: copied side by side, padded to whole strips of channels, but not turned.
 */
final class SparseTiles {
    /** Keys of a tile; with 576 channels a quarter of the second-level cache. */
    static final int KEYS = RunningSoftmax.ROWS;

    final int batch;
    final int tokens;
    final int heads;
    final int width;
    final int valueWidth;
    final int keys;
    final int chosen;
    final int headStrips;
    final int widthStrips;
    final int valueStrips;
    /** From one key of a tile to the next. */
    final int row;

    final float[] q;
    final float[] kv;
    final int[] indices;
    final float scale;
    final float[] sinks;

    SparseTiles(AttentionInput input) {
        batch = input.queries().dim(0);
        tokens = input.queries().dim(1);
        heads = input.queries().dim(2);
        width = input.queries().dim(3);
        valueWidth = input.valueWidth();
        keys = input.keyValues().dim(1);
        chosen = input.indices().dim(2);
        headStrips = Math.ceilDiv(heads, STRIP);
        widthStrips = Math.ceilDiv(width, STRIP);
        valueStrips = Math.ceilDiv(valueWidth, STRIP);
        row = widthStrips * STRIP;
        q = HostFloats.of(input.queries());
        kv = HostFloats.of(input.keyValues());
        indices = HostInts.of(input.indices());
        scale = (float) input.scale();
        sinks = input.sinks() == null ? new float[0] : HostFloats.of(input.sinks());
    }

    /** Tokens of all sequences. */
    int queries() {
        return batch * tokens;
    }

    /** Rows of the left operand that hold heads, in one strip. */
    int headsOf(int strip) {
        return Math.min(STRIP, TileGrid.padded(heads - strip * STRIP, HEIGHT));
    }

    /** The heads of a token in a tensor [batch, tokens, heads, width]. */
    TilePacking headsOf(float[] x, int token, int rowWidth) {
        return new TilePacking(x, token * heads * rowWidth, 0, heads, rowWidth);
    }

    /** The keys that some of a token's indices name, −1 left out: their number. */
    int named(int token, int from, int to, int[] out) {
        int count = 0;
        for (int i = from; i < to; i++) {
            int key = indices[token * chosen + i];
            if (key < -1 || key >= keys) {
                throw new IndexOutOfBoundsException("sparse attention: index " + key + " at place " + i + " of token "
                        + token % tokens + " is no key, there are " + keys + ", and not −1");
            }
            if (key >= 0) {
                out[count++] = key;
            }
        }
        return count;
    }

    /** Copies keys side by side. The channels beside a key's last must be zero already. */
    void gather(int token, int[] named, int from, int to, float[] tile) {
        int sequence = token / tokens * keys;
        for (int i = from; i < to; i++) {
            System.arraycopy(kv, (sequence + named[i]) * width, tile, (i - from) * row, width);
        }
    }

    float[] tile() {
        return new float[tileFloats()];
    }

    /** A tile of keys, and room for a panel behind the last. */
    int tileFloats() {
        return KEYS * row + TileProducts.PANEL;
    }

    /** The heads of a token as far apart as the keys of a tile, with zeros between. */
    float[] paddedHeads(int token) {
        float[] padded = new float[heads * row];
        for (int h = 0; h < heads; h++) {
            System.arraycopy(q, (token * heads + h) * width, padded, h * row, width);
        }
        return padded;
    }

    /** [keys, STRIP heads] = rows of the tile times turned rows of heads [k, STRIP]. */
    void multiply(int count, int k, float[] tile, float[] turned, int at, float[] product, int productAt) {
        for (int j = 0; j < count; j += HEIGHT) {
            TileProduct.rows(k, tile, j * row, row, turned, at, product, productAt + j * STRIP, Update.OVERWRITE);
        }
    }

    /** [strips, heads of a strip, STRIP] += weightsᵀ·tile. */
    void addUp(
            int count, float[] weights, int weightsAt, int strip, float[] tile, int strips, float[] sums, int sumsAt) {
        int height = headsOf(strip);
        for (int c = 0; c < strips; c++) {
            for (int i = 0; i < height; i += HEIGHT) {
                TileProduct.turned(
                        count,
                        weights,
                        weightsAt + i,
                        STRIP,
                        tile,
                        c * STRIP,
                        row,
                        sums,
                        sumsAt + (c * STRIP + i) * STRIP,
                        Update.ACCUMULATE);
            }
        }
    }
}
