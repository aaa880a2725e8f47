package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.tanh;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.RmsNorm.rmsNorm;
import static org.filigree.core.op.Slice.split;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Dynamic hyper-connections: each stream is normalised by itself and says, through θ, how it wants to be read, written and sent on. */
record DynamicMixer(int n, double normEps, Parameter fn, Parameter base, Parameter scale, Tensor scaleOfColumn)
        implements Mixer {
    DynamicMixer(int n, double normEps, Parameter fn, Parameter base, Parameter scale) {
        this(n, normEps, fn, base, scale, scaleOfColumn(n, scale.value()));
    }

    private static Tensor scaleOfColumn(int n, Tensor scale) {
        int[] group = new int[n + 2];
        Arrays.fill(group, 2, n + 2, 2);
        group[1] = 1;
        return Backend.of(scale).tensors().ints(Shape.of(n + 2), group);
    }

    @Override
    public MixWeights weights(Tensor streams) {
        Tensor projected = matmulTransposed(rmsNorm(streams, normEps), fn.value());
        Tensor dynamic = multiply(tanh(projected), gather(scale.value(), scaleOfColumn));
        List<Tensor> ofStream = split(dynamic, -1, 1, 1, n);
        List<Tensor> fixed = split(base.value(), -1, n, n, n * n);
        Shape line = streams.shape().leading(-1);
        return new MixWeights(
                add(reshape(ofStream.get(0), line), fixed.get(0)),
                add(reshape(ofStream.get(1), line), fixed.get(1)),
                add(ofStream.get(2), reshape(fixed.get(2), n, n)));
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty().with("fn", fn).with("base", base).with("scale", scale);
    }
}
