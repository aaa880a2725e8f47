package org.filigree.attention.compressed;

import static org.filigree.core.op.Concat.concat;

import org.filigree.attention.Visibility;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Index lists over [entries | window]: the entries of a query, then the tokens of its window in order, −1 for none.
 *
 * @param start position of the first query
 * @param tokens number of queries, which are the last rows of the window
 * @param rows rows of the window
 * @param width tokens that a query sees one by one
 */
record KeyLists(int start, int tokens, int rows, int width) {
    /** Query t sees the entries of the runs that end at its position or before. */
    static Visibility visibility(int start, Compression compression) {
        return t -> compression.entries(start + t + 1);
    }

    /** [batch, tokens, window]. */
    Tensor windowAlone(Backend backend, int batch) {
        return repeated(backend, batch, windows(0, 0, rowsOfAWindow()));
    }

    /** A choice of entries [batch, tokens, chosen], then the window: [batch, tokens, chosen + window]. */
    Tensor behind(Tensor chosen, int entries) {
        return concat(-1, chosen, repeated(Backend.of(chosen), chosen.dim(0), windows(entries, 0, rowsOfAWindow())));
    }

    /** Every visible entry, then the window: [batch, tokens, entries + window]. */
    Tensor withEvery(Backend backend, int batch, int entries, Compression compression) {
        int[][] lists = windows(entries, entries, entries + rowsOfAWindow());
        Visibility visibility = visibility(start, compression);
        for (int t = 0; t < tokens; t++) {
            int seen = Math.min(entries, visibility.keys(t));
            for (int w = 0; w < entries; w++) {
                lists[t][w] = w < seen ? w : -1;
            }
        }
        return repeated(backend, batch, lists);
    }

    private int rowsOfAWindow() {
        return Math.min(width, rows);
    }

    /** Lists of a given length with the window from a place on, its rows counted from an offset. */
    private int[][] windows(int offset, int place, int length) {
        int[][] lists = new int[tokens][length];
        for (int t = 0; t < tokens; t++) {
            int last = rows - tokens + t;
            int first = Math.max(0, last - width + 1);
            for (int i = place; i < length; i++) {
                int row = first + i - place;
                lists[t][i] = row <= last ? offset + row : -1;
            }
        }
        return lists;
    }

    private static Tensor repeated(Backend backend, int batch, int[][] lists) {
        int length = lists[0].length;
        int[] flat = new int[batch * lists.length * length];
        for (int b = 0; b < batch; b++) {
            for (int t = 0; t < lists.length; t++) {
                System.arraycopy(lists[t], 0, flat, (b * lists.length + t) * length, length);
            }
        }
        return backend.tensors().ints(Shape.of(batch, lists.length, length), flat);
    }
}
