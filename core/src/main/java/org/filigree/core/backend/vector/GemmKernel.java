package org.filigree.core.backend.vector;

import java.util.Arrays;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.Workers;

/**
 * The float32 matrix product C[m, n] = op(A) · op(B), or C += op(A) · op(B).
 *
 * <p>Which kernel runs, and so the order in which an element of C is summed, depends on the form and on m, n and k
 * alone; the number of threads changes only who computes which element. C must not overlap A or B.
 *
 * <p>The thresholds were measured on a Zen 5 core with 512-bit vectors; they move speed, never correctness.
 */
final class GemmKernel {
    /** Rows (of A or of B, the fewer) up to which products of rows beat packing: 1.3 times at 16, 0.8 times at 32. */
    private static final int DOT_ROWS = 24;

    /** Rows of A up to which reading B in place beats packing it: 1.3 times at 16. */
    private static final int SKINNY_ROWS = 16;

    /** Columns up to which padding them to a strip wastes more than turning the operand costs. */
    private static final int NARROW_COLUMNS = 12;

    /** Multiply-adds up to which plain loops do: about a microsecond. */
    private static final long TINY_MADDS = 2048;

    /** Multiply-adds up to which packing B costs more than it saves. */
    private static final long SMALL_MADDS = 40 * 40 * 40;

    /** Multiply-adds of the smallest task of a product that is bound by memory, about 6 µs. */
    private static final long SMALLEST_STREAM_MADDS = 1L << 17;

    /** Multiply-adds of a product that is worth waking threads for, about 50 µs. */
    private static final long WAKING_MADDS = 1L << 20;

    /** Columns of the narrowest task that walks down the rows of B: 1 KiB from each. */
    private static final int NARROWEST_STREAM = Math.max(256, RowKernel.WIDEST);

    private GemmKernel() {}

    static void multiply(Form form, int m, int n, int k, Matrix a, Matrix b, Matrix c, Update update, Workers workers) {
        if (m == 0 || n == 0) {
            return;
        }
        if (k == 0) {
            if (update == Update.OVERWRITE) {
                for (int i = 0; i < m; i++) {
                    Arrays.fill(c.values(), c.at(i, 0), c.at(i, n), 0f);
                }
            }
            return;
        }
        if ((long) m * n * k <= TINY_MADDS) {
            TinyProduct.multiply(form, m, n, k, a, b, c, update);
            return;
        }
        switch (form) {
            case RIGHT_TRANSPOSED -> {
                if (Math.min(m, n) <= DOT_ROWS) {
                    dots(m, n, k, a, b, c, update, workers);
                } else {
                    PackedGemm.multiply(form, m, n, k, a, b, c, update, workers);
                }
            }
            case PLAIN -> {
                if (m > SKINNY_ROWS && n <= NARROW_COLUMNS) {
                    narrow(m, n, k, a, b, c, update, workers);
                } else {
                    alongColumns(form, m, n, k, a, b, c, update, workers);
                }
            }
            case LEFT_TRANSPOSED -> {
                if (m > SKINNY_ROWS && n <= NARROW_COLUMNS) {
                    swapped(m, n, k, a, b, c, update, workers);
                } else {
                    alongColumns(form, m, n, k, a, b, c, update, workers);
                }
            }
        }
    }

    private static void alongColumns(
            Form form, int m, int n, int k, Matrix a, Matrix b, Matrix c, Update update, Workers workers) {
        if (m == 1) {
            row(form, n, k, a, b, c, update, workers);
        } else if (m <= SKINNY_ROWS || (long) m * n * k <= SMALL_MADDS) {
            SkinnyGemm.multiply(form, m, n, k, a, b, c, update, workers);
        } else {
            PackedGemm.multiply(form, m, n, k, a, b, c, update, workers);
        }
    }

    /** Form NT without packing, cut along the operand with more rows. */
    private static void dots(int m, int n, int k, Matrix a, Matrix b, Matrix c, Update update, Workers workers) {
        boolean cutB = n >= m;
        int longer = Math.max(m, n);
        ranges(longer, dottedRows(longer, (long) Math.min(m, n) * k), (long) m * n * k, workers, (from, to) -> {
            float[] sums = workers.scratch().borrow(DotKernel.SUMS_FLOATS);
            if (cutB) {
                DotKernel.multiply(0, m, from, to, k, a, b, c, update, sums);
            } else {
                DotKernel.multiply(from, to, 0, n, k, a, b, c, update, sums);
            }
            workers.scratch().giveBack(sums);
        });
    }

    /** One row of C in the forms NN and TN. */
    private static void row(Form form, int n, int k, Matrix a, Matrix b, Matrix c, Update update, Workers workers) {
        int aStride = form == Form.LEFT_TRANSPOSED ? a.stride() : 1;
        ranges(
                n,
                streamedColumns(n, k),
                (long) n * k,
                workers,
                (from, to) -> RowKernel.multiply(
                        from,
                        to,
                        k,
                        a.values(),
                        a.offset(),
                        aStride,
                        b.values(),
                        b.offset(),
                        b.stride(),
                        c.values(),
                        c.offset(),
                        update));
    }

    /** Form NN with few columns: B is turned, and rows of A meet rows of Bᵀ. */
    private static void narrow(int m, int n, int k, Matrix a, Matrix b, Matrix c, Update update, Workers workers) {
        ScratchBuffers scratch = workers.scratch();
        float[] turned = scratch.borrow(n * k);
        turn(k, n, b, turned);
        dots(m, n, k, a, new Matrix(turned, 0, k), c, update, workers);
        scratch.giveBack(turned);
    }

    /** Form TN with few columns: Cᵀ = Bᵀ · A has few rows. */
    private static void swapped(int m, int n, int k, Matrix a, Matrix b, Matrix c, Update update, Workers workers) {
        ScratchBuffers scratch = workers.scratch();
        float[] turned = scratch.borrow(n * m);
        Matrix product = new Matrix(turned, 0, m);
        alongColumns(Form.LEFT_TRANSPOSED, n, m, k, b, a, product, Update.OVERWRITE, workers);
        float[] values = c.values();
        for (int i = 0; i < m; i++) {
            int target = c.at(i, 0);
            for (int j = 0; j < n; j++) {
                float sum = turned[j * m + i];
                values[target + j] = update == Update.ACCUMULATE ? values[target + j] + sum : sum;
            }
        }
        scratch.giveBack(turned);
    }

    private static void turn(int rows, int columns, Matrix source, float[] target) {
        for (int i = 0; i < rows; i++) {
            int from = source.at(i, 0);
            for (int j = 0; j < columns; j++) {
                target[j * rows + i] = source.values()[from + j];
            }
        }
    }

    /** Runs the ranges, and lets sleeping threads sleep if the product is small. */
    static void ranges(int length, int chunk, long madds, Workers workers, Workers.RangeTask task) {
        if (madds < WAKING_MADDS) {
            workers.briefRanges(length, chunk, task);
        } else {
            workers.parallelRanges(length, chunk, task);
        }
    }

    private static int dottedRows(int rows, long maddsPerRow) {
        long chunk = Math.max(SMALLEST_STREAM_MADDS / maddsPerRow, rows / 16);
        return Math.ceilDiv(Math.clamp(chunk, 1, rows), DotKernel.TILE) * DotKernel.TILE;
    }

    /** Columns of a task that walks down rows of B: four tasks, unless they would be too narrow or too short. */
    static int streamedColumns(int n, long maddsPerColumn) {
        long columns = Math.max(Math.max(SMALLEST_STREAM_MADDS / maddsPerColumn, n / 4), NARROWEST_STREAM);
        return Math.ceilDiv((int) Math.min(columns, n), NARROWEST_STREAM) * NARROWEST_STREAM;
    }
}
