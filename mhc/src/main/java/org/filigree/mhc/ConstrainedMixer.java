package org.filigree.mhc;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Affine.shift;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.rsqrt;
import static org.filigree.core.op.Pointwise.sigmoid;
import static org.filigree.core.op.Pointwise.square;
import static org.filigree.core.op.Reduce.mean;
import static org.filigree.core.op.Reshape.flatten;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.split;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** mHC in the released form; the norm is taken over all streams jointly and applied after the projection. */
final class ConstrainedMixer implements Mixer {
    /** Largest weight of writing; at base 0 the sigmoid gives half of it, so a plain residual. */
    private static final double WRITE = 2;

    private final int n;
    private final Mixing.DoublyStochastic form;
    private final double normEps;
    private final Parameter fn;
    private final Parameter base;
    private final Parameter scale;
    private final Tensor scaleOfRow;

    ConstrainedMixer(
            int n, Mixing.DoublyStochastic form, double normEps, Parameter fn, Parameter base, Parameter scale) {
        this.n = n;
        this.form = form;
        this.normEps = normEps;
        this.fn = fn;
        this.base = base;
        this.scale = scale;
        this.scaleOfRow = scaleOfRow(n, Backend.of(scale.value()));
    }

    /** Which of the three scales a row has: that of pre, post or comb. */
    static Tensor scaleOfRow(int n, Backend backend) {
        int[] group = new int[n * (n + 2)];
        Arrays.fill(group, n, 2 * n, 1);
        Arrays.fill(group, 2 * n, group.length, 2);
        return backend.tensors().ints(Shape.of(group.length), group);
    }

    @Override
    public MixWeights weights(Tensor streams) {
        Tensor m = normalisedProjection(streams, fn.value(), normEps);
        Tensor z = add(multiply(m, gather(scale.value(), scaleOfRow)), base.value());
        List<Tensor> parts = split(z, -1, n, n, n * n);
        Tensor logits = reshape(parts.get(2), z.shape().leading(-1, n, n));
        return new MixWeights(
                shift(sigmoid(parts.get(0)), form.eps()),
                scale(sigmoid(parts.get(1)), WRITE),
                Sinkhorn.sinkhorn(logits, form.iterations(), form.eps()));
    }

    @Override
    public Optional<FusedSubLayer> fused(HyperConnectionsConfig config) {
        var operands = new SubLayerKernel.Operands(fn.value(), base.value(), scale.value(), form, normEps);
        return Backend.of(fn.value())
                .kernel(SubLayerKernel.class)
                .filter(kernel -> kernel.supports(n, config.width()) && !Sinkhorn.onLogarithms(form.eps()))
                .map(kernel -> new FusedSubLayer(kernel, operands));
    }

    /** φ·v/rms(v) with v all streams in one row, stream-major. */
    static Tensor normalisedProjection(Tensor streams, Tensor fn, double normEps) {
        Tensor v = flatten(streams, -2, -1);
        Tensor inverseRms = rsqrt(shift(mean(square(v), -1), normEps));
        return multiply(matmulTransposed(v, fn), insertAxis(inverseRms, -1));
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty().with("fn", fn).with("base", base).with("scale", scale);
    }
}
