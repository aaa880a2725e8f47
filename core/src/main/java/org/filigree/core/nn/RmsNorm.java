package org.filigree.core.nn;

import static org.filigree.core.op.RmsNorm.rmsNorm;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Root-mean-square normalisation over the last axis with a learned weight, which starts at 1. Parameter {@code weight}. */
public final class RmsNorm implements Layer {
    private final Parameter weight;
    private final double eps;

    /**
     * A layer over a weight.
     *
     * @param weight [width]
     * @param eps added to the mean square
     */
    public RmsNorm(Parameter weight, double eps) {
        Check.rank("rmsNorm", "weight", weight.value(), 1);
        Check.notNegative("rmsNorm: eps", eps);
        this.weight = weight;
        this.eps = eps;
    }

    /**
     * A new layer with weight 1.
     *
     * @param backend where its weight lives
     * @param width width of the activations
     * @param eps added to the mean square
     * @return the layer
     */
    public static RmsNorm init(Backend backend, int width, double eps) {
        return new RmsNorm(Parameter.learned(backend.tensors().full(Shape.of(width), 1)), eps);
    }

    /**
     * Applies the layer.
     *
     * @param x [outer…, width]
     * @return same shape
     */
    public Tensor forward(Tensor x) {
        return rmsNorm(x, weight.value(), eps);
    }

    @Override
    public Tensor forward(Tensor x, Context context) {
        return forward(x);
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty().with("weight", weight);
    }
}
