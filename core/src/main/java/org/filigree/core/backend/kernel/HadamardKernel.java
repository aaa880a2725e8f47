package org.filigree.core.backend.kernel;

import org.filigree.core.backend.FusedKernel;
import org.filigree.core.tensor.Tensor;

/** The orthonormal Walsh–Hadamard transform in natural order. */
public interface HadamardKernel extends FusedKernel {
    /**
     * y = x·H/√n; its own inverse and its own gradient.
     *
     * @param x [outer…, n], n a power of two
     * @return same shape
     */
    Tensor transform(Tensor x);
}
