package org.filigree.core.backend;

import org.filigree.core.tensor.Tensor;

/** Matrix products. */
public interface MatrixProducts {
    /**
     * Computes a product or a batch of them.
     *
     * @param product extents and forms
     * @param left FLOAT32, {@code leftBatch} matrices
     * @param right FLOAT32, {@code rightBatch} matrices
     * @return FLOAT32 of shape {@code product.result()}; zeros where k is 0
     */
    Tensor multiply(MatrixProduct product, Tensor left, Tensor right);
}
