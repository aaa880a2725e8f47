package org.filigree.core.autograd;

import java.util.IdentityHashMap;
import java.util.Optional;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** The gradients that one backward pass found, one for every leaf that the output depends on. */
public final class Gradients {
    private final IdentityHashMap<Node.Leaf, Tensor> byLeaf;

    Gradients(IdentityHashMap<Node.Leaf, Tensor> byLeaf) {
        this.byLeaf = byLeaf;
    }

    /**
     * The gradient of a leaf.
     *
     * @param leaf a tensor made by {@link Autograd#leaf}
     * @return its gradient, empty if the output does not depend on it
     * @throws ShapeException if the tensor is not a leaf
     */
    public Optional<Tensor> find(Tensor leaf) {
        if (leaf.lineage() instanceof Node.Leaf key) {
            return Optional.ofNullable(byLeaf.get(key));
        }
        throw new ShapeException(
                "gradients: " + leaf.shape() + " is not a leaf; mark it with Autograd.leaf before the forward pass");
    }

    /**
     * The gradient of a leaf that the output depends on.
     *
     * @param leaf a tensor made by {@link Autograd#leaf}
     * @return its gradient, same shape
     * @throws ShapeException if the tensor is not a leaf or the output does not depend on it
     */
    public Tensor of(Tensor leaf) {
        return find(leaf)
                .orElseThrow(() -> new ShapeException("gradients: the output does not depend on the leaf "
                        + leaf.shape() + "; use find for parameters that may be unused"));
    }

    /**
     * All gradients times a number.
     *
     * @param factor the number
     * @return new gradients of the same leaves
     */
    public Gradients scaled(double factor) {
        var scaled = new IdentityHashMap<Node.Leaf, Tensor>();
        byLeaf.forEach((leaf, gradient) ->
                scaled.put(leaf, Backend.of(gradient).elementwise().affine(gradient, factor, 0)));
        return new Gradients(scaled);
    }

    /**
     * The sum with the gradients of another pass: accumulation over several batches.
     *
     * @param other gradients of the same or other leaves
     * @return new gradients
     */
    public Gradients plus(Gradients other) {
        var sum = new IdentityHashMap<Node.Leaf, Tensor>();
        byLeaf.forEach(sum::put);
        other.byLeaf.forEach((leaf, gradient) -> sum.merge(leaf, gradient, Autograd::sum));
        return new Gradients(sum);
    }
}
