package org.filigree.moe;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.divide;
import static org.filigree.core.op.Arithmetic.greater;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Pointwise.exp;
import static org.filigree.core.op.Pointwise.sigmoid;
import static org.filigree.core.op.Pointwise.softplus;
import static org.filigree.core.op.Pointwise.sqrt;
import static org.filigree.core.op.Select.select;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * y = √log(1+eᶻ) with y′ = σ(z)/(2y). Far below zero both softplus and its root vanish and their quotient is 0/0; there y = e^(z/2)
 * and y′ = y/2, which are exact to double precision long before they matter.
 */
final class SqrtSoftplus {
    /** Relative error of e^(z/2) below this is eᶻ/4 = 5e-10. */
    private static final double TAIL = -20;

    private SqrtSoftplus() {}

    static Tensor sqrtSoftplus(Tensor z) {
        Check.dtype("sqrtSoftplus", "logits", z, DType.FLOAT32);
        Tensor plain = Autograd.detach(z);
        Tensor body = greater(plain, Backend.of(z).tensors().full(Shape.of(), TAIL));
        Tensor y = select(body, sqrt(softplus(plain)), exp(scale(plain, 0.5)));
        return Autograd.record("sqrtSoftplus", List.of(z), y, dy -> {
            Tensor slope = select(body, divide(sigmoid(plain), scale(y, 2)), scale(y, 0.5));
            return List.of(multiply(dy, slope));
        });
    }
}
