package org.filigree.core.op;

import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Clamp.clamp;
import static org.filigree.core.op.Pointwise.silu;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.SwiGluKernel;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** The gated unit silu(min(g, L))·clamp(u, −L, L); the gate has no lower bound (DeepSeek-V4 clamps at L = 10, V3 not at all). */
public final class SwiGlu {
    private SwiGlu() {}

    /**
     * Without a clamp.
     *
     * @param gate g, any shape
     * @param up u, same shape
     * @return same shape
     */
    public static Tensor swiGlu(Tensor gate, Tensor up) {
        return swiGlu(gate, up, Double.POSITIVE_INFINITY);
    }

    /**
     * With a clamp.
     *
     * @param gate g, any shape
     * @param up u, same shape
     * @param limit L &gt; 0, +∞ for none
     * @return same shape
     */
    public static Tensor swiGlu(Tensor gate, Tensor up, double limit) {
        Check.dtype("swiGlu", "gate", gate, DType.FLOAT32);
        Check.dtype("swiGlu", "up", up, DType.FLOAT32);
        if (!gate.shape().equals(up.shape())) {
            throw new ShapeException("swiGlu: gate " + gate.shape() + " and up " + up.shape() + " differ");
        }
        if (!(limit > 0)) {
            throw new IllegalArgumentException("swiGlu: limit must be positive (infinite for none) but is " + limit);
        }
        return Backend.common("swiGlu", gate, up)
                .kernel(SwiGluKernel.class)
                .map(kernel -> fused(kernel, gate, up, limit))
                .orElseGet(() -> composed(gate, up, limit));
    }

    private static Tensor fused(SwiGluKernel kernel, Tensor gate, Tensor up, double limit) {
        return Autograd.record("swiGlu", List.of(gate, up), kernel.swiGlu(gate, up, limit), dy -> {
            SwiGluKernel.Gradient gradient = kernel.gradient(gate, up, limit, dy);
            return List.of(gradient.dGate(), gradient.dUp());
        });
    }

    static Tensor composed(Tensor gate, Tensor up, double limit) {
        return limit == Double.POSITIVE_INFINITY
                ? multiply(silu(gate), up)
                : multiply(silu(clamp(gate, Double.NEGATIVE_INFINITY, limit)), clamp(up, -limit, limit));
    }
}
