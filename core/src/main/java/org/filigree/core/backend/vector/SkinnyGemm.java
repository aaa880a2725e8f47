package org.filigree.core.backend.vector;

import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.Workers;

/**
 * The product of a few rows with a matrix that is stored along n (forms NN and TN): A is packed, B is read where it lies,
 * once, a few of its rows at a time, while the rows of C stay in the first-level cache.
 */
final class SkinnyGemm {
    /** Rows of B per pass over C: enough to pay for the pass, few enough for the hardware to prefetch each as a stream. */
    private static final int PASS_K = 16;

    /** Floats of B up to which it stays in the second-level cache, so that strips can be walked down instead. */
    private static final int CACHED_FLOATS = 1 << 16;

    private SkinnyGemm() {}

    static void multiply(Form form, int m, int n, int k, Matrix a, Matrix b, Matrix c, Update update, Workers workers) {
        int depth = (long) n * k <= CACHED_FLOATS ? k : PASS_K;
        int rows = GemmPacking.paddedRows(m);
        ScratchBuffers scratch = workers.scratch();
        float[] tiles = scratch.borrow(rows * k);
        for (int p = 0; p < k; p += depth) {
            int aOff = form == Form.LEFT_TRANSPOSED ? a.at(p, 0) : a.at(0, p);
            GemmPacking.tiles(form, 0, m, m, Math.min(depth, k - p), a.values(), aOff, a.stride(), tiles, p * rows);
        }
        int chunk = GemmKernel.streamedColumns(n, (long) m * k);
        GemmKernel.ranges(n, chunk, (long) m * n * k, workers, (from, to) -> {
            float[] edge = scratch.borrow(TileKernel.TILE_FLOATS + depth * TileKernel.STRIP);
            for (int p = 0; p < k; p += depth) {
                Update passUpdate = p == 0 ? update : Update.ACCUMULATE;
                pass(m, from, to, Math.min(depth, k - p), tiles, p * rows, b, p, c, passUpdate, edge);
            }
            scratch.giveBack(edge);
        });
        scratch.giveBack(tiles);
    }

    private static void pass(
            int m,
            int from,
            int to,
            int k,
            float[] tiles,
            int tilesOff,
            Matrix b,
            int bRow,
            Matrix c,
            Update update,
            float[] edge) {
        int strip = TileKernel.STRIP;
        int whole = from + (to - from) / strip * strip;
        for (int j = from; j < whole; j += strip) {
            TileColumn.multiply(
                    m,
                    strip,
                    k,
                    tiles,
                    tilesOff,
                    b.values(),
                    b.at(bRow, j),
                    b.stride(),
                    c.values(),
                    c.at(0, j),
                    c.stride(),
                    update,
                    edge);
        }
        if (whole < to) {
            int padded = TileKernel.TILE_FLOATS;
            GemmPacking.acrossK(to - whole, strip, k, b.values(), b.at(bRow, whole), b.stride(), edge, padded);
            TileColumn.multiply(
                    m,
                    to - whole,
                    k,
                    tiles,
                    tilesOff,
                    edge,
                    padded,
                    strip,
                    c.values(),
                    c.at(0, whole),
                    c.stride(),
                    update,
                    edge);
        }
    }
}
