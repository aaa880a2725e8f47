package org.filigree.core.op;

import static org.filigree.core.op.Affine.shift;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Pointwise.rsqrt;
import static org.filigree.core.op.Pointwise.square;
import static org.filigree.core.op.Reshape.insertAxis;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.RmsNormKernel;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Root-mean-square normalisation over the last axis: y = x·(mean x² + eps)^−½ ∘ w (Zhang and Sennrich, 2019). */
public final class RmsNorm {
    private RmsNorm() {}

    /**
     * Without a weight.
     *
     * @param x [outer…, width], width &gt; 0
     * @param eps added to the mean square
     * @return same shape
     */
    public static Tensor rmsNorm(Tensor x, double eps) {
        check(x);
        return apply(x, null, eps);
    }

    /**
     * With a weight per channel.
     *
     * @param x [outer…, width], width &gt; 0
     * @param weight [width]
     * @param eps added to the mean square
     * @return same shape as x
     */
    public static Tensor rmsNorm(Tensor x, Tensor weight, double eps) {
        check(x);
        Check.shape("rmsNorm", "weight", weight, x.dim(-1));
        return apply(x, weight, eps);
    }

    private static void check(Tensor x) {
        Check.dtype("rmsNorm", "x", x, DType.FLOAT32);
        Check.rankAtLeast("rmsNorm", "x", x, 1);
        Check.positive("rmsNorm: width", x.dim(-1));
    }

    private static Tensor apply(Tensor x, @Nullable Tensor weight, double eps) {
        return Backend.of(x)
                .kernel(RmsNormKernel.class)
                .map(kernel -> fused(kernel, x, weight, eps))
                .orElseGet(() -> composed(x, weight, eps));
    }

    private static Tensor fused(RmsNormKernel kernel, Tensor x, @Nullable Tensor weight, double eps) {
        RmsNormKernel.Saved saved = kernel.forward(x, weight, eps);
        List<Tensor> inputs = weight == null ? List.of(x) : List.of(x, weight);
        return Autograd.record("rmsNorm", inputs, saved.y(), dy -> {
            RmsNormKernel.Gradient gradient = kernel.gradient(x, weight, saved.inverseRms(), dy);
            return weight == null ? List.of(gradient.dx()) : Arrays.asList(gradient.dx(), gradient.dWeight());
        });
    }

    static Tensor composed(Tensor x, @Nullable Tensor weight, double eps) {
        Tensor inverseRms = rsqrt(shift(Reduce.mean(square(x), -1), eps));
        Tensor y = multiply(x, insertAxis(inverseRms, -1));
        return weight == null ? y : multiply(y, weight);
    }
}
