package org.filigree.mhc;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A sub-layer around which {@link SubLayerKernel} runs. The graph has two nodes, reading and writing. What leads from one to the other
 * past F is seen by nobody else, so its gradient may be any message: the edge of the streams carries Γ, the gradient of X′, and not
 * comb·Γ; reading takes it through the mix.
 */
record FusedSubLayer(SubLayerKernel kernel, SubLayerKernel.Operands operands) {
    Tensor apply(Tensor x, UnaryOperator<Tensor> subLayer) {
        SubLayerKernel.Read read = kernel.read(x, operands);
        MixWeights weights = read.weights();
        List<Tensor> outputs = Autograd.record(
                "hyper-connections: read",
                List.of(x, operands.fn(), operands.base(), operands.scale()),
                List.of(read.u(), weights.post(), Autograd.detach(x)),
                upstream -> readGradient(x, read, upstream));
        Tensor y = subLayer.apply(outputs.get(0));
        Tensor next = kernel.write(x, y, weights.post(), weights.comb());
        return Autograd.record("hyper-connections: write", List.of(y, outputs.get(1), outputs.get(2)), next, dNext -> {
            SubLayerKernel.WriteGradient gradient = kernel.writeGradient(y, weights.post(), dNext);
            return List.of(gradient.dy(), gradient.dPost(), dNext);
        });
    }

    private List<@Nullable Tensor> readGradient(
            Tensor x, SubLayerKernel.Read read, List<? extends @Nullable Tensor> upstream) {
        var gradient = kernel.readGradient(
                x,
                operands,
                read,
                new SubLayerKernel.Upstream(
                        orZeros(upstream.get(0), read.u()),
                        orZeros(upstream.get(1), read.weights().post()),
                        orZeros(upstream.get(2), x)));
        return Arrays.asList(gradient.dx(), gradient.dFn(), gradient.dBase(), gradient.dScale());
    }

    /** Nothing comes back where F ignores its input or nobody asks for X′. */
    private static Tensor orZeros(@Nullable Tensor gradient, Tensor like) {
        Shape shape = like.shape();
        return gradient != null ? gradient : Backend.of(like).tensors().full(shape, 0);
    }

    /** The same two halves without a graph. */
    CutStep cut(Tensor x) {
        return new Cut(this, Autograd.detach(x), kernel.read(Autograd.detach(x), operands));
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
            return subLayer.kernel.write(
                    x, y, read.weights().post(), read.weights().comb());
        }

        @Override
        public List<Tensor> writeGradient(Tensor y, Tensor dNext) {
            var gradient = subLayer.kernel.writeGradient(y, read.weights().post(), dNext);
            return List.of(gradient.dy(), gradient.dPost(), dNext);
        }

        @Override
        public List<@Nullable Tensor> readGradient(List<? extends @Nullable Tensor> upstream) {
            return subLayer.readGradient(x, read, upstream);
        }
    }
}
