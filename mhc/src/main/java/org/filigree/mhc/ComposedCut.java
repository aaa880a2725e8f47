package org.filigree.mhc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A composed step: post, comb and X lead past F. Gradients come from small graphs of its own, over leaves, so every form of mixing has
 * them.
 *
 * @param connections the step's
 * @param x X, a leaf where gradients will be asked for
 * @param reading weights and u, a graph from x and the parameters in that case
 */
record ComposedCut(HyperConnections connections, Tensor x, HyperConnections.Reading reading) implements CutStep {
    static ComposedCut of(HyperConnections connections, Tensor x) {
        return new ComposedCut(connections, x, connections.read(x));
    }

    @Override
    public Tensor u() {
        return Autograd.detach(reading.u());
    }

    @Override
    public List<Tensor> past() {
        return List.of(reading.weights().post(), reading.weights().comb(), x);
    }

    @Override
    public Tensor next(Tensor y) {
        return Autograd.withoutGradients(() -> reading.weights().combine(x, y));
    }

    @Override
    public List<Tensor> writeGradient(Tensor y, Tensor dNext) {
        Tensor post = Autograd.leaf(reading.weights().post());
        Tensor comb = Autograd.leaf(reading.weights().comb());
        Tensor written = Autograd.leaf(y);
        Tensor next =
                Autograd.withGradients(() -> new MixWeights(reading.weights().pre(), post, comb).combine(x, written));
        Gradients gradients = Autograd.backward(next, dNext);
        return List.of(gradients.of(written), gradients.of(post), gradients.of(comb), gradients.of(x));
    }

    @Override
    public List<@Nullable Tensor> readGradient(List<? extends @Nullable Tensor> upstream) {
        Gradients gradients = Autograd.backward(Autograd.withGradients(() -> joined(upstream)));
        var found = new ArrayList<@Nullable Tensor>();
        found.add(gradients.of(x));
        for (Parameter parameter : connections.parameters().asMap().values()) {
            Tensor value = parameter.value();
            found.add(Autograd.differentiable(value) ? gradients.find(value).orElse(null) : null);
        }
        return found;
    }

    /** A scalar whose backward pass gives these gradients, in the order in which the whole step would. */
    private Tensor joined(List<? extends @Nullable Tensor> upstream) {
        return Autograd.record(
                "joined",
                List.of(
                        x,
                        reading.weights().post(),
                        reading.u(),
                        reading.weights().comb()),
                Backend.of(x).tensors().zeros(Shape.of()),
                _ -> Arrays.asList(upstream.get(3), upstream.get(1), upstream.get(0), upstream.get(2)));
    }
}
