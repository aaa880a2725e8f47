package org.filigree.core.op;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Layer normalisation over the last axis: y = (x − mean)·(variance + eps)^−½ ∘ w + b (Ba, Kiros and Hinton, 2016). */
public final class LayerNorm {
    private LayerNorm() {}

    /**
     * Layer normalisation.
     *
     * @param x [outer…, width], width &gt; 0
     * @param weight [width]
     * @param bias [width]
     * @param eps added to the variance
     * @return same shape as x
     */
    public static Tensor layerNorm(Tensor x, Tensor weight, Tensor bias, double eps) {
        Check.dtype("layerNorm", "x", x, DType.FLOAT32);
        Check.rankAtLeast("layerNorm", "x", x, 1);
        Check.positive("layerNorm: width", x.dim(-1));
        Check.shape("layerNorm", "weight", weight, x.dim(-1));
        Check.shape("layerNorm", "bias", bias, x.dim(-1));
        Tensor centred = subtract(x, insertAxis(Reduce.mean(x, -1), -1));
        return add(RmsNorm.rmsNorm(centred, weight, eps), bias);
    }
}
