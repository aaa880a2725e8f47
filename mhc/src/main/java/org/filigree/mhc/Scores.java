package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.Pointwise.sigmoid;
import static org.filigree.core.op.Slice.split;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.Affine;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * What mHC's forms share: z = α∘(φ·vec X)/rms(vec X) + b, of which n entries say how streams are read, n how they are written, and the
 * rest, as many as the form needs, how they are mixed.
 *
 * @param eps ε of reading, which the released form alone has
 */
record Scores(int n, double normEps, double eps, Parameter fn, Parameter base, Parameter scale, Tensor scaleOfRow) {
    /** Largest weight of writing; at base 0 the sigmoid gives half of it, so a plain residual. */
    private static final double WRITE = 2;

    Scores(int n, double normEps, double eps, Parameter fn, Parameter base, Parameter scale) {
        this(n, normEps, eps, fn, base, scale, scaleOfRow(n, base.value()));
    }

    /** pre = σ(z) + ε, post = 2σ(z), and the logits of the mix as they are. */
    record Parts(Tensor pre, Tensor post, Tensor mix) {}

    Parts of(Tensor streams) {
        Tensor m = NormalisedProjection.of(streams, fn.value(), normEps);
        Tensor z = add(multiply(m, gather(scale.value(), scaleOfRow)), base.value());
        List<Tensor> parts = split(z, -1, n, n, z.dim(-1) - 2 * n);
        Tensor pre = sigmoid(parts.get(0));
        return new Parts(
                eps == 0 ? pre : Affine.shift(pre, eps), Affine.scale(sigmoid(parts.get(1)), WRITE), parts.get(2));
    }

    private static Tensor scaleOfRow(int n, Tensor base) {
        int[] group = new int[base.dim(0)];
        Arrays.fill(group, n, 2 * n, 1);
        Arrays.fill(group, 2 * n, group.length, 2);
        return Backend.of(base).tensors().ints(Shape.of(group.length), group);
    }

    ParameterMap parameters() {
        return ParameterMap.empty().with("fn", fn).with("base", base).with("scale", scale);
    }
}
