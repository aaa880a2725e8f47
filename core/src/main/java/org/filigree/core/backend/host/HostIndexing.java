package org.filigree.core.backend.host;

import org.filigree.core.backend.Indexing;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Access through indices in Java arrays, in index order.
 *
 * @param backend whose tensors they are
 */
public record HostIndexing(HostBackend backend) implements Indexing {
    @Override
    public Tensor gather(Tensor table, Tensor indices) {
        int[] index = HostInts.of(indices);
        int rows = table.dim(0);
        int width = (int) table.shape().count(1, table.shape().rank());
        Shape shape = withTail(indices.shape(), table.shape(), 1);
        if (table.dtype() == DType.INT32) {
            int[] out = new int[HostFloats.length(shape)];
            copyRows("gather", HostInts.of(table), rows, width, index, out);
            return HostInts.tensor(backend, shape, out);
        }
        float[] out = HostFloats.allocate(shape);
        copyRows("gather", HostFloats.of(table), rows, width, index, out);
        return HostFloats.tensor(backend, shape, out);
    }

    private static void copyRows(String operation, Object table, int rows, int width, int[] index, Object out) {
        for (int i = 0; i < index.length; i++) {
            int row = checked(operation, index[i], i, rows);
            if (row >= 0) {
                System.arraycopy(table, row * width, out, i * width, width);
            }
        }
    }

    @Override
    public Tensor scatterAdd(Tensor source, Tensor indices, int rows) {
        int[] index = HostInts.of(indices);
        Shape shape = withTail(Shape.of(rows), source.shape(), indices.shape().rank());
        int width = (int) shape.count(1, shape.rank());
        float[] from = HostFloats.of(source);
        float[] out = HostFloats.allocate(shape);
        for (int i = 0; i < index.length; i++) {
            int row = checked("scatterAdd", index[i], i, rows);
            if (row >= 0) {
                for (int j = 0, to = row * width, at = i * width; j < width; j++) {
                    out[to + j] += from[at + j];
                }
            }
        }
        return HostFloats.tensor(backend, shape, out);
    }

    @Override
    public Tensor gatherLast(Tensor x, Tensor indices) {
        int[] index = HostInts.of(indices);
        float[] from = HostFloats.of(x);
        int width = x.dim(-1);
        int k = indices.dim(-1);
        float[] out = HostFloats.allocate(indices.shape());
        for (int i = 0; i < index.length; i++) {
            int j = checked("gatherLast", index[i], i, width);
            if (j >= 0) {
                out[i] = from[i / k * width + j];
            }
        }
        return HostFloats.tensor(backend, indices.shape(), out);
    }

    @Override
    public Tensor scatterAddLast(Tensor source, Tensor indices, int width) {
        int[] index = HostInts.of(indices);
        float[] from = HostFloats.of(source);
        int k = indices.dim(-1);
        Shape shape = indices.shape().withDim(-1, width);
        float[] out = HostFloats.allocate(shape);
        for (int i = 0; i < index.length; i++) {
            int j = checked("scatterAddLast", index[i], i, width);
            if (j >= 0) {
                out[i / k * width + j] += from[i];
            }
        }
        return HostFloats.tensor(backend, shape, out);
    }

    @Override
    public Largest topK(Tensor x, int k) {
        float[] from = HostFloats.of(x);
        int n = x.dim(-1);
        Shape shape = x.shape().withDim(-1, k);
        float[] values = HostFloats.allocate(shape);
        int[] indices = new int[values.length];
        int outer = (int) x.shape().count(0, x.shape().rank() - 1);
        for (int row = 0; row < outer && k > 0; row++) {
            largest(from, row * n, n, values, indices, row * k, k);
        }
        return new Largest(HostFloats.tensor(backend, shape, values), HostInts.tensor(backend, shape, indices));
    }

    /** A bounded heap whose root is the weakest kept element, then sorted by popping: O(n log k). */
    private static void largest(float[] x, int start, int n, float[] values, int[] indices, int out, int k) {
        for (int i = 0; i < k; i++) {
            values[out + i] = x[start + i];
            indices[out + i] = i;
        }
        for (int i = k / 2 - 1; i >= 0; i--) {
            sink(values, indices, out, i, k);
        }
        for (int i = k; i < n; i++) {
            if (stronger(x[start + i], i, values[out], indices[out])) {
                values[out] = x[start + i];
                indices[out] = i;
                sink(values, indices, out, 0, k);
            }
        }
        for (int end = k - 1; end > 0; end--) {
            swap(values, indices, out, out + end);
            sink(values, indices, out, 0, end);
        }
    }

    private static void sink(float[] values, int[] indices, int out, int from, int size) {
        int at = from;
        while (true) {
            int child = 2 * at + 1;
            if (child >= size) {
                return;
            }
            if (child + 1 < size
                    && stronger(
                            values[out + child],
                            indices[out + child],
                            values[out + child + 1],
                            indices[out + child + 1])) {
                child++;
            }
            if (!stronger(values[out + at], indices[out + at], values[out + child], indices[out + child])) {
                return;
            }
            swap(values, indices, out + at, out + child);
            at = child;
        }
    }

    private static void swap(float[] values, int[] indices, int a, int b) {
        float value = values[a];
        values[a] = values[b];
        values[b] = value;
        int index = indices[a];
        indices[a] = indices[b];
        indices[b] = index;
    }

    /** Larger wins, NaN below everything, ties to the lower index. */
    private static boolean stronger(float a, int indexA, float b, int indexB) {
        if (a > b) {
            return true;
        }
        if (a < b) {
            return false;
        }
        boolean aMissing = Float.isNaN(a);
        boolean bMissing = Float.isNaN(b);
        return aMissing == bMissing ? indexA < indexB : bMissing;
    }

    private static int checked(String operation, int index, int place, int bound) {
        if (index < -1 || index >= bound) {
            throw new IndexOutOfBoundsException(operation + ": index " + index + " at place " + place
                    + " is outside [0, " + bound + ") and not -1 (none)");
        }
        return index;
    }

    private static Shape withTail(Shape head, Shape tailOf, int from) {
        int[] tail = new int[tailOf.rank() - from];
        for (int i = 0; i < tail.length; i++) {
            tail[i] = tailOf.dim(from + i);
        }
        return head.leading(head.rank(), tail);
    }
}
