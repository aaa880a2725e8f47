package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.HadamardKernel;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** The orthonormal Walsh–Hadamard transform of the last axis in natural order: y = x·H/√n, its own inverse. */
public final class Hadamard {
    private Hadamard() {}

    /**
     * Transforms the last axis.
     *
     * @param x [outer…, n], n a power of two
     * @return same shape
     * @throws ShapeException if n is no power of two
     */
    public static Tensor hadamard(Tensor x) {
        Check.dtype("hadamard", "x", x, DType.FLOAT32);
        Check.rankAtLeast("hadamard", "x", x, 1);
        int n = x.dim(-1);
        if (Integer.bitCount(n) != 1) {
            throw new ShapeException(
                    "hadamard: the last axis of " + x.shape() + " has " + n + " elements, not a power of two");
        }
        return Backend.of(x)
                .kernel(HadamardKernel.class)
                .map(kernel -> fused(kernel, x))
                .orElseGet(() -> composed(x));
    }

    private static Tensor fused(HadamardKernel kernel, Tensor x) {
        return Autograd.record("hadamard", List.of(x), kernel.transform(x), dy -> List.of(kernel.transform(dy)));
    }

    static Tensor composed(Tensor x) {
        int n = x.dim(-1);
        double[] matrix = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                matrix[i * n + j] = (Integer.bitCount(i & j) & 1) == 0 ? 1 / Math.sqrt(n) : -1 / Math.sqrt(n);
            }
        }
        Tensor rows = Reshape.reshape(x, -1, n);
        return Reshape.reshape(MatMul.matmul(rows, Backend.of(x).tensors().doubles(Shape.of(n, n), matrix)), x.shape());
    }
}
