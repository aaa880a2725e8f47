package org.filigree.mhc;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A sub-layer around which {@link SubLayerKernel} runs. The graph has two nodes, reading and writing. What leads from one to the other
 * past F is seen by nobody else, so its gradient may be any message: the edge of the streams carries Γ, the gradient of X′, and not
 * comb·Γ; reading takes it through the mix.
 */
record FusedSubLayer(SubLayerKernel kernel, SubLayerKernel.Operands operands) {
    Tensor apply(Tensor x, UnaryOperator<Tensor> subLayer) {
        SubLayerKernel.Read read = read(x, null);
        List<Tensor> outputs = Autograd.record(
                "hyper-connections: read",
                List.of(x, operands.fn(), operands.base(), operands.scale()),
                List.of(read.u(), read.weights().post(), Autograd.detach(x)),
                back -> readGradient(x, read, back));
        return write(x, subLayer.apply(outputs.get(0)), read.weights(), outputs.get(1), outputs.get(2));
    }

    /** Kernels trust their operands; the checks are those that the operations of the composition would make. */
    private SubLayerKernel.Read read(Tensor x, @Nullable Tensor carried) {
        checkOperand("streams", x);
        if (carried != null) {
            checkOperand("carried weights", carried);
        }
        SubLayerKernel.Read read = kernel.read(x, operands, carried);
        Sinkhorn.refuseNaN("sinkhorn", read.weights().comb());
        return read;
    }

    private void checkOperand(String name, Tensor operand) {
        Check.dtype("hyper-connections", name, operand, DType.FLOAT32);
        Backend.common("hyper-connections", operand, operands.fn(), operands.base(), operands.scale());
    }

    private List<@Nullable Tensor> readGradient(
            Tensor x, SubLayerKernel.Read read, List<? extends @Nullable Tensor> back) {
        var upstream = upstream(x, read, back.get(0), null, back.get(1), back.get(2));
        return parameterGradients(kernel.readGradient(x, operands, null, read, upstream));
    }

    /** The lagged form: reads by the carried weights, and carries this sub-layer's on. */
    Carried step(Carried carried, UnaryOperator<Tensor> subLayer) {
        Tensor x = carried.streams();
        SubLayerKernel.Read read = read(x, carried.pre());
        MixWeights weights = read.weights();
        List<Tensor> outputs = Autograd.record(
                "hyper-connections: lagged read",
                List.of(x, operands.fn(), operands.base(), operands.scale(), carried.pre()),
                List.of(read.u(), weights.post(), Autograd.detach(x), weights.pre()),
                back -> {
                    var upstream = upstream(x, read, back.get(0), back.get(3), back.get(1), back.get(2));
                    var gradient = kernel.readGradient(x, operands, carried.pre(), read, upstream);
                    var all = parameterGradients(gradient);
                    all.add(gradient.dCarried());
                    return all;
                });
        Tensor next = write(x, subLayer.apply(outputs.get(0)), weights, outputs.get(1), outputs.get(2));
        return new Carried(next, outputs.get(3));
    }

    private Tensor write(Tensor x, Tensor y, MixWeights weights, Tensor post, Tensor past) {
        Tensor next = written(x, y, weights);
        return Autograd.record(
                "hyper-connections: write", List.of(y, post, past), next, dNext -> writeGradient(y, weights, dNext));
    }

    private Tensor written(Tensor x, Tensor y, MixWeights weights) {
        checkOperand("output of the sub-layer", y);
        return kernel.write(x, y, weights.post(), weights.comb());
    }

    private List<Tensor> writeGradient(Tensor y, MixWeights weights, Tensor dNext) {
        SubLayerKernel.WriteGradient gradient = kernel.writeGradient(y, weights.post(), dNext);
        return List.of(gradient.dy(), gradient.dPost(), dNext);
    }

    /** Nothing comes back where F ignores its input or nobody asks for X′. */
    private static SubLayerKernel.Upstream upstream(
            Tensor x,
            SubLayerKernel.Read read,
            @Nullable Tensor du,
            @Nullable Tensor dPre,
            @Nullable Tensor dPost,
            @Nullable Tensor dNext) {
        return new SubLayerKernel.Upstream(
                orZeros(du, read.u()), dPre, orZeros(dPost, read.weights().post()), orZeros(dNext, x));
    }

    private static Tensor orZeros(@Nullable Tensor gradient, Tensor like) {
        return gradient != null ? gradient : Backend.of(like).tensors().full(like.shape(), 0);
    }

    private static List<@Nullable Tensor> parameterGradients(SubLayerKernel.ReadGradient gradient) {
        return new ArrayList<>(List.of(gradient.dx(), gradient.dFn(), gradient.dBase(), gradient.dScale()));
    }

    /** The same two halves without a graph. */
    CutStep cut(Tensor x) {
        return new Cut(this, Autograd.detach(x), read(Autograd.detach(x), null));
    }

    /** Post and Γ lead past F. */
    private record Cut(FusedSubLayer subLayer, Tensor x, SubLayerKernel.Read read) implements CutStep {
        @Override
        public Tensor u() {
            return read.u();
        }

        @Override
        public List<Tensor> past() {
            return List.of(read.weights().post(), x);
        }

        @Override
        public Tensor next(Tensor y) {
            return subLayer.written(x, y, read.weights());
        }

        @Override
        public List<Tensor> writeGradient(Tensor y, Tensor dNext) {
            return subLayer.writeGradient(y, read.weights(), dNext);
        }

        @Override
        public List<@Nullable Tensor> readGradient(List<? extends @Nullable Tensor> upstream) {
            return subLayer.readGradient(x, read, upstream);
        }
    }
}
