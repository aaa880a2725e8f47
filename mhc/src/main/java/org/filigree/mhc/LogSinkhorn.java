package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Pointwise.exp;
import static org.filigree.core.op.Pointwise.log;
import static org.filigree.core.op.Reduce.max;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;

import java.util.ArrayList;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.tensor.Tensor;

/**
 * {@link Sinkhorn} with ε = 0, on logarithms: L ← L − log Σ exp L along targets and sources in turn, 2R times. What would underflow to
 * 0 and make 0/0 of a starved column keeps its logarithm, so all finite logits have a finite result. The maximum of a row or column is
 * subtracted first, which is exact where it matters, and the logarithm that is left lies between 0 and log n; so finished columns sum to 1
 * as closely as entries are rounded, however large the logits.
 *
 * <p>Where there is a kernel for host memory, it does the matrices that need no logarithms; {@link WideLogits} does the rest.
 */
final class LogSinkhorn {
    private static final int SOURCES = -2;
    private static final int TARGETS = -1;

    private LogSinkhorn() {}

    static Tensor sinkhorn(Tensor logits, int iterations) {
        if (Backend.of(logits) instanceof HostBackend backend) {
            return backend.kernel(SinkhornKernel.class)
                    .filter(kernel -> kernel.supports(logits.dim(TARGETS)))
                    .map(kernel -> Sinkhorn.recorded(
                            logits,
                            WideLogits.sinkhorn(backend, kernel, logits, iterations),
                            dy -> WideLogits.gradient(backend, kernel, logits, iterations, dy)))
                    .orElseGet(() -> composed(logits, iterations));
        }
        return composed(logits, iterations);
    }

    private static Tensor composed(Tensor logits, int iterations) {
        Tensor y = Autograd.withoutGradients(() -> {
            Tensor x = logits;
            for (int i = 0; i < 2 * iterations; i++) {
                x = step(x, axisOfStep(i));
            }
            return exp(x);
        });
        return Sinkhorn.recorded(logits, Autograd.detach(y), dy -> gradient(Autograd.detach(logits), iterations, dy));
    }

    /** A step L′ = L − log Σ exp L has the gradient g ← g − exp(L′)·Σ g, the sum along the step's axis. */
    private static Tensor gradient(Tensor logits, int iterations, Tensor dy) {
        var results = new ArrayList<Tensor>(2 * iterations);
        Tensor x = logits;
        for (int i = 0; i < 2 * iterations; i++) {
            x = step(x, axisOfStep(i));
            results.add(exp(x));
        }
        Tensor g = multiply(dy, results.getLast());
        for (int i = results.size() - 1; i >= 0; i--) {
            int axis = axisOfStep(i);
            g = subtract(g, multiply(results.get(i), insertAxis(sum(g, axis), axis)));
        }
        return g;
    }

    private static Tensor step(Tensor x, int axis) {
        Tensor below = subtract(x, insertAxis(max(x, axis), axis));
        return subtract(below, insertAxis(log(sum(exp(below), axis)), axis));
    }

    private static int axisOfStep(int step) {
        return step % 2 == 0 ? TARGETS : SOURCES;
    }
}
