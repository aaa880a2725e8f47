package org.filigree.core.backend.vector;

import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.Workers;

/**
 * The matrix product for operands that are used often enough to be packed first. For each block of k, all of A and B that
 * belongs to it is packed, then tiles of C are computed: a tile of A stays in the first-level cache while the strips of B
 * pass from the second, and C is walked along its rows, where the hardware's prefetching helps.
 */
final class PackedGemm {
    /**
     * Depth of a block. A tile of A takes 12 KiB of the first-level cache (48 KiB), the strips of a task 384 KiB of the
     * second (1 MiB). Depths of 192 to 320 measure alike; at 512, a strip no longer shares the first level with the tile.
     */
    private static final int BLOCK_K = 256;

    /** Columns of a task at most: whole strips, few enough to stay in the second-level cache with {@link #BLOCK_K} rows. */
    private static final int TASK_COLUMNS = 12 * TileKernel.STRIP;

    /** Rows and columns packed at once; bounds the scratch memory to 8 MiB. */
    private static final int SLAB = 4096 / TileKernel.TALLEST * TileKernel.TALLEST;

    /** Multiply-adds of the smallest task, about 40 µs on one core of 200 GFLOP/s. */
    private static final long SMALLEST_TASK_MADDS = 1L << 22;

    /** Tasks into which a large block is cut: few enough to walk far with one set of strips, enough to balance. */
    private static final int TASKS_OF_LARGE_BLOCK = 32;

    /** Floats that one packing task copies, about 10 µs. */
    private static final int PACKING_TASK_FLOATS = 1 << 16;

    private PackedGemm() {}

    static void multiply(Form form, int m, int n, int k, Matrix a, Matrix b, Matrix c, Update update, Workers workers) {
        ScratchBuffers scratch = workers.scratch();
        int deepest = Math.min(k, BLOCK_K);
        float[] tiles = scratch.borrow(GemmPacking.paddedRows(Math.min(m, SLAB)) * deepest);
        float[] strips = scratch.borrow(GemmPacking.paddedColumns(Math.min(n, SLAB)) * deepest);
        for (int j = 0; j < n; j += SLAB) {
            int columns = Math.min(SLAB, n - j);
            for (int p = 0; p < k; p += BLOCK_K) {
                int depth = Math.min(BLOCK_K, k - p);
                Update blockUpdate = p == 0 ? update : Update.ACCUMULATE;
                int bOff = form == Form.RIGHT_TRANSPOSED ? b.at(j, p) : b.at(p, j);
                for (int i = 0; i < m; i += SLAB) {
                    int rows = Math.min(SLAB, m - i);
                    int aOff = form == Form.LEFT_TRANSPOSED ? a.at(p, i) : a.at(i, p);
                    int packedColumns = i == 0 ? columns : 0;
                    pack(form, rows, packedColumns, depth, a, aOff, tiles, b, bOff, strips, workers);
                    block(
                            rows,
                            columns,
                            depth,
                            tiles,
                            strips,
                            c.values(),
                            c.at(i, j),
                            c.stride(),
                            blockUpdate,
                            workers);
                }
            }
        }
        scratch.giveBack(strips);
        scratch.giveBack(tiles);
    }

    private static void pack(
            Form form,
            int rows,
            int columns,
            int k,
            Matrix a,
            int aOff,
            float[] tiles,
            Matrix b,
            int bOff,
            float[] strips,
            Workers workers) {
        int rowsPerTask = Math.max(1, PACKING_TASK_FLOATS / (k * TileKernel.TALLEST)) * TileKernel.TALLEST;
        int columnsPerTask = Math.max(1, PACKING_TASK_FLOATS / (k * TileKernel.STRIP)) * TileKernel.STRIP;
        int rowTasks = Math.ceilDiv(rows, rowsPerTask);
        int columnTasks = Math.ceilDiv(columns, columnsPerTask);
        workers.parallelFor(rowTasks + columnTasks, task -> {
            if (task < rowTasks) {
                int from = task * rowsPerTask;
                int to = Math.min(rows, from + rowsPerTask);
                GemmPacking.tiles(form, from, to, rows, k, a.values(), aOff, a.stride(), tiles, 0);
            } else {
                int from = (task - rowTasks) * columnsPerTask;
                int to = Math.min(columns, from + columnsPerTask);
                GemmPacking.strips(form, from, to, k, b.values(), bOff, b.stride(), strips, 0);
            }
        });
    }

    private static void block(
            int rows,
            int columns,
            int k,
            float[] tiles,
            float[] strips,
            float[] c,
            int cOff,
            int ldc,
            Update update,
            Workers workers) {
        int strip = TileKernel.STRIP;
        int tallest = TileKernel.TALLEST;
        int across = Math.ceilDiv(columns, TASK_COLUMNS);
        int taskColumns = GemmPacking.paddedColumns(Math.ceilDiv(columns, across));
        long taskMadds = Math.max(SMALLEST_TASK_MADDS, (long) rows * columns * k / TASKS_OF_LARGE_BLOCK);
        int taskRows = Math.clamp(taskMadds / ((long) taskColumns * k * tallest), 1, SLAB / tallest) * tallest;
        int down = Math.ceilDiv(rows, taskRows);
        ScratchBuffers scratch = workers.scratch();
        workers.parallelFor(across * down, task -> {
            // From top to bottom first: a thread's next task then finds its strips where the last one left them.
            int rowFrom = task % down * taskRows;
            int rowTo = Math.min(rows, rowFrom + taskRows);
            int columnFrom = task / down * taskColumns;
            int columnTo = Math.min(columns, columnFrom + taskColumns);
            float[] edge = scratch.borrow(TileKernel.TILE_FLOATS);
            for (int i = rowFrom; i < rowTo; i += tallest) {
                int height = Math.min(tallest, rowTo - i);
                for (int j = columnFrom; j < columnTo; j += strip) {
                    int width = Math.min(strip, columns - j);
                    int target = cOff + i * ldc + j;
                    TileColumn.multiply(
                            height, width, k, tiles, i * k, strips, j * k, strip, c, target, ldc, update, edge);
                }
            }
            scratch.giveBack(edge);
        });
    }
}
