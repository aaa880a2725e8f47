package org.filigree.attention;

import static org.filigree.core.op.Permute.permute;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.tensor.Tensor;

/**
 * Some queries of one sequence, and the run of keys that reaches from the first to the last that any of them sees.
 *
 * @param sequence which sequence
 * @param from first query
 * @param to query behind the last
 * @param firstKey first key
 * @param keyEnd key behind the last, at least one key
 */
record QueryTile(int sequence, int from, int to, int firstKey, int keyEnd) {
    /** Queries of a tile at most; with a quarter of them the copies of keys take as long as the products. */
    private static final int QUERIES = 256;

    /** Logits of a tile at most, 16 MiB of them, as far as a single query keeps within that. */
    private static final long MOST_LOGITS = 1L << 22;

    /** All tiles, sequence after sequence; how many queries they hold follows from the shape alone. */
    static List<QueryTile> of(DenseAttentionInput input) {
        var tiles = new ArrayList<QueryTile>();
        KeySpan span = input.span();
        int keys = input.keys().dim(1);
        int queries = Math.clamp(MOST_LOGITS / ((long) input.queries().dim(2) * keys), 1, QUERIES);
        for (int b = 0; b < input.queries().dim(0); b++) {
            for (int from = 0; from < input.queries().dim(1); from += queries) {
                int to = Math.min(input.queries().dim(1), from + queries);
                int first = keys;
                int end = 0;
                for (int t = from; t < to; t++) {
                    first = Math.min(first, span.from(t));
                    end = Math.max(end, span.to(t));
                }
                // A softmax needs a column to be zero in.
                first = Math.min(first, keys - 1);
                tiles.add(new QueryTile(b, from, to, first, Math.max(end, first + 1)));
            }
        }
        return tiles;
    }

    /** [batch, tokens, heads, width] to [key heads, queries · heads of a group, width]. */
    Tensor queries(Tensor x, int keyHeads) {
        Tensor rows = slice(slice(x, 0, sequence, sequence + 1), 1, from, to);
        Tensor grouped = reshape(rows, to - from, keyHeads, x.dim(2) / keyHeads, x.dim(3));
        return reshape(permute(grouped, 1, 0, 2, 3), keyHeads, (to - from) * (x.dim(2) / keyHeads), x.dim(3));
    }

    /** What {@link #queries} does, back: [1, queries, heads, width]. */
    Tensor tokenMajor(Tensor x, int heads) {
        int keyHeads = x.dim(0);
        Tensor grouped = reshape(x, keyHeads, to - from, heads / keyHeads, x.dim(2));
        return reshape(permute(grouped, 1, 0, 2, 3), 1, to - from, heads, x.dim(2));
    }

    /** [batch, all keys, key heads, width] to [key heads, keys, width]. */
    Tensor keys(Tensor x) {
        Tensor rows = slice(slice(x, 0, sequence, sequence + 1), 1, firstKey, keyEnd);
        return permute(reshape(rows, keyEnd - firstKey, x.dim(2), x.dim(3)), 1, 0, 2);
    }

    /** What {@link #keys} does, back: [keys, key heads, width]. */
    static Tensor keyMajor(Tensor x) {
        return permute(x, 1, 0, 2);
    }
}
