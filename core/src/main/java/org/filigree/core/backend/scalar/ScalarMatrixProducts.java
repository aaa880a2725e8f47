package org.filigree.core.backend.scalar;

import org.filigree.core.backend.MatrixProduct;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.MatrixProducts;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/**
 * The textbook triple loop with a double accumulator, the sums in ascending k.
 *
 * @param backend whose tensors they are
 */
public record ScalarMatrixProducts(HostBackend backend) implements MatrixProducts {
    @Override
    public Tensor multiply(MatrixProduct product, Tensor left, Tensor right) {
        float[] a = HostFloats.of(left);
        float[] b = HostFloats.of(right);
        float[] c = HostFloats.allocate(product.result());
        int m = product.m();
        int n = product.n();
        int k = product.k();
        int aRow = product.form() == Form.LEFT_TRANSPOSED ? 1 : k;
        int aStep = product.form() == Form.LEFT_TRANSPOSED ? m : 1;
        int bColumn = product.form() == Form.RIGHT_TRANSPOSED ? k : 1;
        int bStep = product.form() == Form.RIGHT_TRANSPOSED ? 1 : n;
        for (int batch = 0; batch < product.batch(); batch++) {
            int aStart = product.leftBatch() == 1 ? 0 : batch * m * k;
            int bStart = product.rightBatch() == 1 ? 0 : batch * k * n;
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double sum = 0;
                    for (int l = 0; l < k; l++) {
                        sum += (double) a[aStart + i * aRow + l * aStep] * b[bStart + j * bColumn + l * bStep];
                    }
                    c[(batch * m + i) * n + j] = (float) sum;
                }
            }
        }
        return HostFloats.tensor(backend, product.result(), c);
    }
}
