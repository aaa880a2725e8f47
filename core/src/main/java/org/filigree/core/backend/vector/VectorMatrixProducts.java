package org.filigree.core.backend.vector;

import org.filigree.core.backend.MatrixProduct;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.MatrixProducts;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/**
 * Matrix products through {@link GemmKernel}: large ones one after another on all threads, small ones of a batch side by
 * side.
 *
 * @param backend whose tensors they are
 */
record VectorMatrixProducts(HostBackend backend) implements MatrixProducts {
    /** Multiply-adds of one product from which the members of a batch run one after another. */
    private static final long LARGE_MADDS = 1L << 24;

    /** Multiply-adds that make a chunk of small products worth a thread. */
    private static final long CHUNK_MADDS = 1L << 20;

    @Override
    public Tensor multiply(MatrixProduct product, Tensor left, Tensor right) {
        float[] a = HostFloats.of(left);
        float[] b = HostFloats.of(right);
        float[] c = HostFloats.allocate(product.result());
        int m = product.m();
        int n = product.n();
        int k = product.k();
        int aMatrix = product.leftBatch() == 1 ? 0 : m * k;
        int bMatrix = product.rightBatch() == 1 ? 0 : k * n;
        Workers workers = backend.workers();
        each(product.batch(), (long) m * n * k, workers, i -> {
            Matrix to = new Matrix(c, i * m * n, n);
            Matrix leftOne = new Matrix(a, i * aMatrix, product.form() == Form.LEFT_TRANSPOSED ? m : k);
            Matrix rightOne = new Matrix(b, i * bMatrix, product.form() == Form.RIGHT_TRANSPOSED ? k : n);
            GemmKernel.multiply(product.form(), m, n, k, leftOne, rightOne, to, Update.OVERWRITE, workers);
        });
        return HostFloats.tensor(backend, product.result(), c);
    }

    /** Runs {@code count} products of {@code madds} multiply-adds each. */
    static void each(int count, long madds, Workers workers, Workers.ChunkTask one) {
        if (madds >= LARGE_MADDS) {
            for (int i = 0; i < count; i++) {
                one.run(i);
            }
            return;
        }
        int perChunk = Math.clamp(CHUNK_MADDS / Math.max(1, madds), 1, Math.max(1, count));
        workers.parallelRanges(count, perChunk, (from, to) -> {
            for (int i = from; i < to; i++) {
                one.run(i);
            }
        });
    }
}
