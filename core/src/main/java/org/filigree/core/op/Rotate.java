package org.filigree.core.op;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.RotaryKernel;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Rotary position embedding applied to the whole last axis: every pair (a, b) becomes (a·cos − b·sin, a·sin + b·cos) (Su et al.,
 * 2021). The inverse rotation takes −sin.
 */
public final class Rotate {
    private Rotate() {}

    /**
     * Rotates pairs of channels by per-token angles.
     *
     * @param pairing which channels form a pair
     * @param x [batch…, tokens, heads, width], width even
     * @param cos [tokens, width/2]
     * @param sin [tokens, width/2]
     * @return same shape as x
     */
    public static Tensor rotate(Pairing pairing, Tensor x, Tensor cos, Tensor sin) {
        Check.dtype("rotate", "x", x, DType.FLOAT32);
        Check.rankAtLeast("rotate", "x", x, 3);
        Check.divides("rotate: width", x.dim(-1), "two", 2);
        Check.shape("rotate", "cos", cos, x.dim(-3), x.dim(-1) / 2);
        Check.shape("rotate", "sin", sin, x.dim(-3), x.dim(-1) / 2);
        return Backend.common("rotate", x, cos, sin)
                .kernel(RotaryKernel.class)
                .map(kernel -> fused(kernel, pairing, x, cos, sin))
                .orElseGet(() -> composed(pairing, x, cos, sin));
    }

    private static Tensor fused(RotaryKernel kernel, Pairing pairing, Tensor x, Tensor cos, Tensor sin) {
        return Autograd.record(
                "rotate",
                List.of(x),
                kernel.rotate(pairing, x, cos, sin),
                dy -> List.of(kernel.rotate(
                        pairing, dy, cos, Backend.of(sin).elementwise().affine(sin, -1, 0))));
    }

    static Tensor composed(Pairing pairing, Tensor x, Tensor cos, Tensor sin) {
        int half = x.dim(-1) / 2;
        Shape angles = Shape.of(x.dim(-3), 1, half);
        Tensor c = reshape(cos, angles);
        Tensor s = reshape(sin, angles);
        Shape halves = x.shape().withDim(-1, half);
        return switch (pairing) {
            case HALF_SPLIT -> {
                Tensor a = slice(x, -1, 0, half);
                Tensor b = slice(x, -1, half, 2 * half);
                yield concat(-1, subtract(multiply(a, c), multiply(b, s)), add(multiply(a, s), multiply(b, c)));
            }
            case INTERLEAVED -> {
                Shape paired = x.shape().leading(-1, half, 2);
                Tensor pairs = reshape(x, paired);
                Tensor a = reshape(slice(pairs, -1, 0, 1), halves);
                Tensor b = reshape(slice(pairs, -1, 1, 2), halves);
                Shape column = halves.leading(halves.rank(), 1);
                Tensor first = reshape(subtract(multiply(a, c), multiply(b, s)), column);
                Tensor second = reshape(add(multiply(a, s), multiply(b, c)), column);
                yield reshape(concat(-1, first, second), x.shape());
            }
        };
    }
}
