package org.filigree.bench;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.tensor.Tensor;

/** A forward and a backward pass. */
final class BothWays {
    private BothWays() {}

    /** {@return the result, and the gradient of each input} */
    static List<Tensor> run(Function<List<Tensor>, Tensor> forward, Tensor upstream, Tensor... inputs) {
        List<Tensor> leaves = Stream.of(inputs).map(Autograd::leaf).toList();
        Tensor y = forward.apply(leaves);
        Gradients gradients = Autograd.backward(y, upstream);
        return Stream.concat(Stream.of(y), leaves.stream().map(gradients::of)).toList();
    }
}
