package org.filigree.core.backend.vector;

import org.filigree.core.backend.Indexing;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.host.HostIndexing;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Access through indices: copies as on every host backend, and selection of the {@linkplain LargestOfRow largest}, rows shared among threads.
 *
 * @param backend whose tensors they are
 * @param copies gathers and scatters
 */
record VectorIndexing(HostBackend backend, HostIndexing copies) implements Indexing {
    /** Elements a task, so that a task is worth waking a thread for. */
    private static final int CHUNK = 1 << 13;

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
                LargestOfRow largest = new LargestOfRow(n, k);
                for (int row = from; row < to; row++) {
                    largest.select(in, row * n, values, indices, row * k);
                }
            });
        }
        return new Largest(HostFloats.tensor(backend, shape, values), HostInts.tensor(backend, shape, indices));
    }
}
