package org.filigree.ojalgo;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.MatrixProduct;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.MatrixProducts;
import org.filigree.core.tensor.Tensor;
import org.ojalgo.matrix.store.MatrixStore;
import org.ojalgo.matrix.store.R064Store;

/**
 * Products by ojAlgo's stores. They are column-major: a row-major matrix wrapped as a store is its transpose, so the operands change
 * places and (a·b)ᵀ = bᵀ·aᵀ comes out row-major.
 */
record OjalgoMatrixProducts(Backend backend) implements MatrixProducts {
    @Override
    public Tensor multiply(MatrixProduct product, Tensor left, Tensor right) {
        double[] out = Doubles.allocate(product.result());
        int m = product.m();
        int n = product.n();
        int k = product.k();
        if (out.length > 0 && k > 0) {
            double[] a = Doubles.of(left);
            double[] b = Doubles.of(right);
            for (int i = 0; i < product.batch(); i++) {
                double[] matrixA = matrix(a, m * k, product.leftBatch() == 1 ? 0 : i);
                double[] matrixB = matrix(b, k * n, product.rightBatch() == 1 ? 0 : i);
                R064Store c = R064Store.FACTORY.make(n, m);
                c.fillByMultiplying(
                        transposed(matrixB, n, k, product.form() == Form.RIGHT_TRANSPOSED),
                        transposed(matrixA, k, m, product.form() == Form.LEFT_TRANSPOSED));
                System.arraycopy(c.data, 0, out, i * m * n, m * n);
            }
        }
        return Doubles.tensor(backend, product.result(), out);
    }

    private static double[] matrix(double[] batch, int size, int i) {
        return size == batch.length ? batch : Arrays.copyOfRange(batch, i * size, (i + 1) * size);
    }

    /** The transpose of an operand, rows × columns; one that is stored transposed reads as itself and is turned. */
    private static MatrixStore<Double> transposed(double[] operand, int rows, int columns, boolean stored) {
        return stored ? R064Store.wrap(operand, columns).transpose() : R064Store.wrap(operand, rows);
    }
}
