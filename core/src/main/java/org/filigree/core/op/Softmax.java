package org.filigree.core.op;

import static org.filigree.core.op.Arithmetic.divide;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Pointwise.exp;
import static org.filigree.core.op.Reshape.insertAxis;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.SoftmaxKernel;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Softmax over the last axis: y = exp(x)/Σ exp(x), computed relative to the row's maximum. */
public final class Softmax {
    /** Keeps a row of −∞, whose exponentials are all 0, at 0 instead of 0/0; every other row sums to 1 or more. */
    private static final double LEAST_SUM = 1e-30;

    private Softmax() {}

    /**
     * Softmax over the last axis; a row of −∞ gives zeros.
     *
     * @param x [outer…, n], n &gt; 0
     * @return [outer…, n]
     */
    public static Tensor softmax(Tensor x) {
        Check.dtype("softmax", "x", x, DType.FLOAT32);
        Check.rankAtLeast("softmax", "x", x, 1);
        return Backend.of(x)
                .kernel(SoftmaxKernel.class)
                .map(kernel -> fused(kernel, x))
                .orElseGet(() -> composed(x));
    }

    private static Tensor fused(SoftmaxKernel kernel, Tensor x) {
        Tensor y = kernel.softmax(x);
        return Autograd.record("softmax", List.of(x), y, dy -> List.of(kernel.gradient(y, dy)));
    }

    static Tensor composed(Tensor x) {
        if (x.shape().size() == 0) {
            return x;
        }
        Tensor y = Autograd.withoutGradients(() -> {
            Tensor e = exp(subtract(x, insertAxis(peak(x), -1)));
            return divide(e, insertAxis(Clamp.clamp(Reduce.sum(e, -1), LEAST_SUM, Double.POSITIVE_INFINITY), -1));
        });
        return Autograd.record("softmax", List.of(x), Autograd.detach(y), dy -> {
            Tensor inner = insertAxis(Reduce.sum(multiply(y, dy), -1), -1);
            return List.of(multiply(y, subtract(dy, inner)));
        });
    }

    /** The row's maximum, kept finite so that −∞ − peak is −∞ and not NaN. */
    static Tensor peak(Tensor x) {
        Tensor max = Backend.of(x).reductions().max(x, x.shape().rank() - 1);
        return Backend.of(x).elementwise().clamp(max, -Float.MAX_VALUE, Float.MAX_VALUE);
    }
}
