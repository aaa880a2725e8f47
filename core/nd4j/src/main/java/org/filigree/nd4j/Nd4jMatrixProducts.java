package org.filigree.nd4j;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.MatrixProduct;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.MatrixProducts;
import org.filigree.core.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Products by ND4J's BLAS, one matrix of the batch after another. */
record Nd4jMatrixProducts(Backend backend) implements MatrixProducts {
    @Override
    public Tensor multiply(MatrixProduct product, Tensor left, Tensor right) {
        if (Reals.isEmpty(product.result()) || product.k() == 0) {
            return backend.tensors().full(product.result(), 0);
        }
        boolean turnLeft = product.form() == Form.LEFT_TRANSPOSED;
        boolean turnRight = product.form() == Form.RIGHT_TRANSPOSED;
        int m = product.m();
        int n = product.n();
        int k = product.k();
        INDArray a = Reals.of(left, product.leftBatch(), turnLeft ? k : m, turnLeft ? m : k);
        INDArray b = Reals.of(right, product.rightBatch(), turnRight ? n : k, turnRight ? k : n);
        INDArray c = Nd4j.createUninitialized(DataType.FLOAT, new long[] {product.batch(), m, n}, 'c');
        for (int i = 0; i < product.batch(); i++) {
            Nd4j.matmul(
                    a.slice(product.leftBatch() == 1 ? 0 : i),
                    b.slice(product.rightBatch() == 1 ? 0 : i),
                    c.slice(i),
                    turnLeft,
                    turnRight,
                    false);
        }
        return Reals.tensor(backend, product.result(), c);
    }
}
