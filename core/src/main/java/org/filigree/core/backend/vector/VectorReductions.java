package org.filigree.core.backend.vector;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.filigree.core.backend.Reductions;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.scalar.ScalarReductions;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Sums and maxima with vectors along the last axis, and across rows along any other. A sum along the last axis runs in four vectors of
 * partial sums, so that its rounding error grows with n over four times the lanes; a sum across rows runs in blocks of
 * {@value #BLOCK_ROWS}, so that its error grows with the length of a block and the number of blocks. The order depends on shapes
 * and on the width of vectors alone.
 *
 * @param backend whose tensors they are
 * @param plain running sums, which gain nothing from vectors
 */
record VectorReductions(HostBackend backend, ScalarReductions plain) implements Reductions {
    /** Rows that are summed before the partial sum joins the total. */
    private static final int BLOCK_ROWS = 64;
    /** Columns a task, when rows are summed. */
    private static final int CHUNK_COLUMNS = 512;

    VectorReductions(HostBackend backend) {
        this(backend, new ScalarReductions(backend));
    }

    @Override
    public Tensor sum(Tensor x, int axis) {
        return reduce(x, axis, 0f, VectorReductions::sumRow, VectorReductions::sumRows);
    }

    @Override
    public Tensor max(Tensor x, int axis) {
        return reduce(x, axis, Float.NEGATIVE_INFINITY, VectorReductions::maxRow, VectorReductions::maxRows);
    }

    @Override
    public Tensor cumulativeSum(Tensor x, int axis, Direction direction) {
        return plain.cumulativeSum(x, axis, direction);
    }

    /** Reduces one contiguous row. */
    private interface RowReduction {
        float apply(float[] x, int from, int n);
    }

    /** Reduces columns from … to−1 of n rows that lie {@code stride} apart. */
    private interface ColumnReduction {
        void apply(float[] x, int start, int stride, int n, float[] out, int outStart, int from, int to);
    }

    private Tensor reduce(Tensor x, int axis, float empty, RowReduction row, ColumnReduction columns) {
        Shape shape = x.shape().without(axis);
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(shape);
        int inner = (int) x.shape().count(axis + 1, x.shape().rank());
        int n = x.dim(axis);
        if (n == 0) {
            Arrays.fill(out, empty);
        } else if (inner == 1) {
            int chunk = Math.max(1, VectorElementwise.CHUNK / n);
            backend.workers().parallelRanges(out.length, chunk, (from, to) -> {
                for (int i = from; i < to; i++) {
                    out[i] = row.apply(in, i * n, n);
                }
            });
        } else if (out.length > 0) {
            int outer = out.length / inner;
            int perRow = (inner + CHUNK_COLUMNS - 1) / CHUNK_COLUMNS;
            int chunk = Math.max(1, VectorElementwise.CHUNK / (n * Math.min(inner, CHUNK_COLUMNS)));
            backend.workers().parallelRanges(outer * perRow, chunk, (first, end) -> {
                for (int task = first; task < end; task++) {
                    int o = task / perRow;
                    int from = task % perRow * CHUNK_COLUMNS;
                    int to = Math.min(inner, from + CHUNK_COLUMNS);
                    columns.apply(in, o * n * inner, inner, n, out, o * inner, from, to);
                }
            });
        }
        return HostFloats.tensor(backend, shape, out);
    }

    static float sumRow(float[] x, int from, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        for (; i + 4 * LANES <= n; i += 4 * LANES) {
            s0 = s0.add(FloatVector.fromArray(F, x, from + i));
            s1 = s1.add(FloatVector.fromArray(F, x, from + i + LANES));
            s2 = s2.add(FloatVector.fromArray(F, x, from + i + 2 * LANES));
            s3 = s3.add(FloatVector.fromArray(F, x, from + i + 3 * LANES));
        }
        for (; i + LANES <= n; i += LANES) {
            s0 = s0.add(FloatVector.fromArray(F, x, from + i));
        }
        float sum = n >= LANES ? VectorMath.sum(s0.add(s1).add(s2.add(s3))) : 0f;
        float tail = 0f;
        for (; i < n; i++) {
            tail += x[from + i];
        }
        return sum + tail;
    }

    private static void sumRows(float[] x, int start, int stride, int n, float[] out, int outStart, int from, int to) {
        int width = to - from;
        float[] partial = new float[width];
        for (int block = 0; block < n; block += BLOCK_ROWS) {
            Arrays.fill(partial, 0f);
            int end = Math.min(n, block + BLOCK_ROWS);
            for (int j = block; j < end; j++) {
                addRow(x, start + j * stride + from, partial, width);
            }
            for (int i = 0; i < width; i++) {
                out[outStart + from + i] += partial[i];
            }
        }
    }

    static void addRow(float[] x, int at, float[] sum, int width) {
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector.fromArray(F, sum, i)
                    .add(FloatVector.fromArray(F, x, at + i))
                    .intoArray(sum, i);
        }
        for (; i < width; i++) {
            sum[i] += x[at + i];
        }
    }

    static float maxRow(float[] x, int from, int n) {
        FloatVector m0 = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        FloatVector m1 = m0;
        FloatVector m2 = m0;
        FloatVector m3 = m0;
        int i = 0;
        for (; i + 4 * LANES <= n; i += 4 * LANES) {
            m0 = m0.max(FloatVector.fromArray(F, x, from + i));
            m1 = m1.max(FloatVector.fromArray(F, x, from + i + LANES));
            m2 = m2.max(FloatVector.fromArray(F, x, from + i + 2 * LANES));
            m3 = m3.max(FloatVector.fromArray(F, x, from + i + 3 * LANES));
        }
        for (; i + LANES <= n; i += LANES) {
            m0 = m0.max(FloatVector.fromArray(F, x, from + i));
        }
        // The largest of a set does not depend on the order, so the library's own reduction is safe here.
        float max = m0.max(m1).max(m2.max(m3)).reduceLanes(VectorOperators.MAX);
        for (; i < n; i++) {
            max = Math.max(max, x[from + i]);
        }
        return max;
    }

    private static void maxRows(float[] x, int start, int stride, int n, float[] out, int outStart, int from, int to) {
        System.arraycopy(x, start + from, out, outStart + from, to - from);
        for (int j = 1; j < n; j++) {
            int at = start + j * stride;
            int i = from;
            for (; i + LANES <= to; i += LANES) {
                FloatVector.fromArray(F, out, outStart + i)
                        .max(FloatVector.fromArray(F, x, at + i))
                        .intoArray(out, outStart + i);
            }
            for (; i < to; i++) {
                out[outStart + i] = Math.max(out[outStart + i], x[at + i]);
            }
        }
    }
}
