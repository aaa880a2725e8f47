package org.filigree.core.nn;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.MatMul.matmulTransposed;

import org.filigree.core.op.Reshape;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** y = x·Wᵀ + b over the last axis, W [outputs, inputs]; the bias may be absent. Parameters {@code weight}, {@code bias}. */
public final class Linear implements Layer {
    private final Parameter weight;
    private final @Nullable Parameter bias;

    /**
     * A layer without bias.
     *
     * @param weight [outputs, inputs]
     */
    public Linear(Parameter weight) {
        Check.rank("linear", "weight", weight.value(), 2);
        this.weight = weight;
        this.bias = null;
    }

    /**
     * A layer with bias.
     *
     * @param weight [outputs, inputs]
     * @param bias [outputs]
     */
    public Linear(Parameter weight, Parameter bias) {
        Check.rank("linear", "weight", weight.value(), 2);
        Check.shape("linear", "bias", bias.value(), weight.shape().dim(0));
        this.weight = weight;
        this.bias = bias;
    }

    /**
     * Applies the layer.
     *
     * @param x [outer…, inputs]
     * @return [outer…, outputs]
     */
    public Tensor forward(Tensor x) {
        Tensor y = x.shape().rank() >= 2
                ? matmulTransposed(x, weight.value())
                : Reshape.reshape(
                        matmulTransposed(Reshape.insertAxis(x, 0), weight.value()),
                        weight.shape().dim(0));
        return bias == null ? y : add(y, bias.value());
    }

    @Override
    public Tensor forward(Tensor x, Context context) {
        return forward(x);
    }

    /** {@return the weight [outputs, inputs]} */
    public Parameter weight() {
        return weight;
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map = ParameterMap.empty().with("weight", weight);
        return bias == null ? map : map.with("bias", bias);
    }

    @Override
    public String toString() {
        return "Linear{inputs: " + weight.shape().dim(1) + ", outputs: "
                + weight.shape().dim(0) + ", bias: " + (bias != null) + ", parameters: "
                + parameters().elements() + "}";
    }
}
