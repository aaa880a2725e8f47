package org.filigree.core.backend.vector;

import java.util.Arrays;
import org.filigree.core.backend.Indexing;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.host.HostIndexing;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Access through indices: copies as on every host backend, and selection of the largest by quickselect, rows shared among threads.
 *
 * @param backend whose tensors they are
 * @param copies gathers and scatters
 */
record VectorIndexing(HostBackend backend, HostIndexing copies) implements Indexing {
    /** Elements a task, so that a task is worth waking a thread for. */
    private static final int CHUNK = 1 << 13;
    /** Ranges up to this length are sorted instead of divided further. */
    private static final int SHORT = 24;

    VectorIndexing(HostBackend backend) {
        this(backend, new HostIndexing(backend));
    }

    @Override
    public Tensor gather(Tensor table, Tensor indices) {
        return copies.gather(table, indices);
    }

    @Override
    public Tensor scatterAdd(Tensor source, Tensor indices, int rows) {
        return copies.scatterAdd(source, indices, rows);
    }

    @Override
    public Tensor gatherLast(Tensor x, Tensor indices) {
        return copies.gatherLast(x, indices);
    }

    @Override
    public Tensor scatterAddLast(Tensor source, Tensor indices, int width) {
        return copies.scatterAddLast(source, indices, width);
    }

    @Override
    public Largest topK(Tensor x, int k) {
        float[] in = HostFloats.of(x);
        int n = x.dim(-1);
        Shape shape = x.shape().withDim(-1, k);
        float[] values = HostFloats.allocate(shape);
        int[] indices = new int[values.length];
        if (values.length > 0) {
            backend.workers().parallelRanges(values.length / k, Math.max(1, CHUNK / n), (from, to) -> {
                long[] keys = new long[n];
                for (int row = from; row < to; row++) {
                    largest(in, row * n, keys, k, values, indices, row * k);
                }
            });
        }
        return new Largest(HostFloats.tensor(backend, shape, values), HostInts.tensor(backend, shape, indices));
    }

    private static void largest(float[] x, int start, long[] keys, int k, float[] values, int[] indices, int out) {
        int n = keys.length;
        for (int i = 0; i < n; i++) {
            keys[i] = key(x[start + i], i);
        }
        select(keys, n - k);
        Arrays.sort(keys, n - k, n);
        for (int i = 0; i < k; i++) {
            int index = ~(int) keys[n - 1 - i];
            indices[out + i] = index;
            values[out + i] = x[start + index];
        }
    }

    /** A key that sorts like its number, NaN first, −0 like 0, and of equal numbers the one with the higher index first. */
    private static long key(float x, int index) {
        int bits = Float.floatToRawIntBits(x + 0f);
        int ordered = Float.isNaN(x) ? Integer.MIN_VALUE : bits ^ ((bits >> 31) & Integer.MAX_VALUE);
        return ((long) ordered << 32) | (~index & 0xffff_ffffL);
    }

    /** Moves the smallest {@code count} keys, which are all different, before the others. */
    private static void select(long[] keys, int count) {
        int low = 0;
        int high = keys.length - 1;
        while (high - low > SHORT) {
            long pivot = median(keys[low], keys[(low + high) >>> 1], keys[high]);
            int i = low;
            int j = high;
            while (i <= j) {
                while (keys[i] < pivot) {
                    i++;
                }
                while (keys[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    long swapped = keys[i];
                    keys[i++] = keys[j];
                    keys[j--] = swapped;
                }
            }
            if (count <= j) {
                high = j;
            } else if (count >= i) {
                low = i;
            } else {
                return;
            }
        }
        Arrays.sort(keys, low, high + 1);
    }

    private static long median(long a, long b, long c) {
        return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    }
}
