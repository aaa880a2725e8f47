package org.filigree.core.backend.vector;

import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.backend.kernel.GroupedProductKernel;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Grouped matrix products: one product for each group, groups side by side where they are small.
 *
 * @param backend whose tensors they are
 */
record VectorGroupedProducts(HostBackend backend) implements GroupedProductKernel {
    @Override
    public Tensor multiply(Tensor x, Tensor weights, Tensor offsets) {
        return rowProducts(Form.RIGHT_TRANSPOSED, x, weights, offsets, weights.dim(1), weights.dim(2));
    }

    @Override
    public Tensor inputGradient(Tensor dy, Tensor weights, Tensor offsets) {
        return rowProducts(Form.PLAIN, dy, weights, offsets, weights.dim(2), weights.dim(1));
    }

    /** rows[r] = left[r] · op(weights[g]) with n columns and sums of length k. */
    private Tensor rowProducts(Form form, Tensor left, Tensor weights, Tensor offsets, int n, int k) {
        float[] a = HostFloats.of(left);
        float[] w = HostFloats.of(weights);
        int[] start = HostInts.of(offsets);
        Shape shape = Shape.of(left.dim(0), n);
        float[] c = HostFloats.allocate(shape);
        int stride = form == Form.PLAIN ? n : k;
        Workers workers = backend.workers();
        each(start, (long) n * k, left.dim(0), group -> {
            int row = start[group];
            Matrix to = new Matrix(c, row * n, n);
            Matrix rows = new Matrix(a, row * k, k);
            Matrix weight = new Matrix(w, group * n * k, stride);
            GemmKernel.multiply(form, start[group + 1] - row, n, k, rows, weight, to, Update.OVERWRITE, workers);
        });
        return HostFloats.tensor(backend, shape, c);
    }

    @Override
    public Tensor weightGradient(Tensor dy, Tensor x, Tensor offsets) {
        float[] upstream = HostFloats.of(dy);
        float[] input = HostFloats.of(x);
        int[] start = HostInts.of(offsets);
        int n = dy.dim(1);
        int k = x.dim(1);
        Shape shape = Shape.of(start.length - 1, n, k);
        float[] c = HostFloats.allocate(shape);
        Workers workers = backend.workers();
        each(start, (long) n * k, x.dim(0), group -> {
            int row = start[group];
            Matrix to = new Matrix(c, group * n * k, k);
            Matrix left = new Matrix(upstream, row * n, n);
            Matrix right = new Matrix(input, row * k, k);
            GemmKernel.multiply(
                    Form.LEFT_TRANSPOSED, n, k, start[group + 1] - row, left, right, to, Update.OVERWRITE, workers);
        });
        return HostFloats.tensor(backend, shape, c);
    }

    /** Chooses between groups side by side and one after another by the size of a group on average. */
    private void each(int[] start, long maddsPerRow, int rows, Workers.ChunkTask group) {
        int groups = start.length - 1;
        if (groups > 0) {
            VectorMatrixProducts.each(groups, maddsPerRow * rows / groups, backend.workers(), group);
        }
    }
}
