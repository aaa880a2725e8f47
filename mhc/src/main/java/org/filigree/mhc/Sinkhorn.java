package org.filigree.mhc;

import static org.filigree.core.op.Affine.shift;
import static org.filigree.core.op.Arithmetic.divide;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Permute.transpose;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Softmax.softmax;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Sinkhorn–Knopp normalisation in the released form of mHC: P ← softmax over targets + ε, then columns and rows are divided in turn
 * by their sum + ε, columns first and last. After R iterations every column sums to s/(s+ε), where s ≈ 1 is its sum before the last
 * division; rows sum to 1 as far as R iterations bring them.
 *
 * <p>With ε = 0 the iteration runs on logarithms: no sum can become 0, and all finite logits have a finite result.
 *
 * <p>Nothing is kept for the backward pass but the logits: it runs the forward pass again.
 */
public final class Sinkhorn {
    private static final int SOURCES = -2;
    private static final int TARGETS = -1;

    private Sinkhorn() {}

    /**
     * Normalises square matrices.
     *
     * @param logits [outer…, sources, targets], as many sources as targets, at least one; any finite value; with ε &gt; 0, a row of −∞
     *     has a softmax of zeros
     * @param iterations R, how often columns are normalised, 1 or more
     * @param eps ε, added to the softmax and to every sum; part of the model, not a numerical detail; 0 or a normal float32
     * @return same shape, entries in (0, 1]; in [0, 1] with ε = 0, where small ones underflow
     * @throws ShapeException if the matrices are not square
     * @throws IllegalArgumentException if ε is negative, or too small for float32 and not 0
     * @throws NaNLogitsException if a result is NaN: NaN or +∞ among the logits makes NaN of their whole matrix, and with ε = 0 a row or column
     *     of −∞ makes NaN of all or some of it. Only on backends whose tensors are Java arrays; elsewhere looking would make the device wait, and the matrix
     *     stays NaN
     */
    public static Tensor sinkhorn(Tensor logits, int iterations, double eps) {
        Check.dtype("sinkhorn", "logits", logits, DType.FLOAT32);
        Check.rankAtLeast("sinkhorn", "logits", logits, 2);
        if (logits.dim(SOURCES) != logits.dim(TARGETS)) {
            throw new ShapeException("sinkhorn: logits " + logits.shape() + " hold matrices of " + logits.dim(SOURCES)
                    + " rows and " + logits.dim(TARGETS) + " columns, which must be as many");
        }
        Check.positive("sinkhorn: rows of a matrix", logits.dim(SOURCES));
        Check.positive("sinkhorn: iterations", iterations);
        checkEps("sinkhorn: eps", eps);
        Tensor y = onLogarithms(eps)
                ? LogSinkhorn.sinkhorn(logits, iterations)
                : Backend.of(logits)
                        .kernel(SinkhornKernel.class)
                        .filter(kernel -> kernel.supports(logits.dim(TARGETS)))
                        .map(kernel -> fused(kernel, logits, iterations, eps))
                        .orElseGet(() -> composed(logits, iterations, eps));
        refuseNaN("sinkhorn", y, onLogarithms(eps) ? y.dim(TARGETS) : 1);
        return y;
    }

    /**
     * Normalises square matrices as mHC's paper does: M ← exp(logits), then columns and rows are divided in turn by their sums, rows
     * last. The transpose of {@link #sinkhorn} of the transpose with ε = 0.
     *
     * @param logits [outer…, targets, sources], the orientation of H_res; as many targets as sources, any finite value
     * @param iterations R, how often rows are normalised, 1 or more
     * @return H_res, same shape, entries in [0, 1]
     * @throws ShapeException if the matrices are not square
     * @throws NaNLogitsException as {@link #sinkhorn}
     */
    public static Tensor paper(Tensor logits, int iterations) {
        Check.rankAtLeast("sinkhorn", "logits", logits, 2);
        return transpose(sinkhorn(transpose(logits, SOURCES, TARGETS), iterations, 0), SOURCES, TARGETS);
    }

    /** Whether there is no ε to save a starved column from 0/0. */
    static boolean onLogarithms(double eps) {
        return eps == 0;
    }

    /** 1/(s+ε) of a starved column overflows in float32 where ε is no normal number. */
    static void checkEps(String name, double eps) {
        Check.notNegative(name, eps);
        if (eps > 0 && eps < Float.MIN_NORMAL) {
            throw new IllegalArgumentException(name + " must be 0 or at least " + Float.MIN_NORMAL
                    + ", the smallest normal float32, but is " + eps);
        }
    }

    /** With ε > 0, one entry tells of its whole matrix: NaN goes from an entry to its row and from there to every column. */
    static void refuseNaN(String operation, Tensor mixes) {
        refuseNaN(operation, mixes, 1);
    }

    /**
     * Looks at the first entries of each matrix. Without ε it has to be the whole first row, since a column of −∞ is NaN by itself after
     * the only iteration.
     */
    private static void refuseNaN(String operation, Tensor mixes, int entries) {
        if (!(Backend.of(mixes) instanceof HostBackend)) {
            return;
        }
        int area = mixes.dim(SOURCES) * mixes.dim(TARGETS);
        float[] values = HostFloats.of(mixes);
        int first = entries == 1 ? firstNaN(values, area) : firstNaN(values, area, entries);
        if (first >= 0) {
            throw new NaNLogitsException(
                    operation + ": matrix " + first + " of " + mixes.shape().size() / area + " in " + mixes.shape()
                            + " is NaN: its logits have NaN or +∞, or with eps 0 a row or column of −∞; look for the first"
                            + " NaN in the streams and parameters before it",
                    first);
        }
    }

    /** The first matrix that begins with NaN, or −1. */
    private static int firstNaN(float[] entries, int area) {
        int count = entries.length / area;
        for (int matrix = 0; matrix < count; matrix++) {
            if (Float.isNaN(entries[matrix * area])) {
                return matrix;
            }
        }
        return -1;
    }

    /** The first matrix with NaN in its first row, or −1. */
    private static int firstNaN(float[] entries, int area, int row) {
        for (int at = 0; at < entries.length; at += area) {
            for (int i = at; i < at + row; i++) {
                if (Float.isNaN(entries[i])) {
                    return at / area;
                }
            }
        }
        return -1;
    }

    private static Tensor fused(SinkhornKernel kernel, Tensor logits, int iterations, double eps) {
        return recorded(
                logits, kernel.sinkhorn(logits, iterations, eps), dy -> kernel.gradient(logits, iterations, eps, dy));
    }

    /** Puts a result into the graph, in whatever way it was computed. */
    static Tensor recorded(Tensor logits, Tensor y, UnaryOperator<Tensor> gradient) {
        return Autograd.record("sinkhorn", List.of(logits), y, dy -> List.of(gradient.apply(dy)));
    }

    static Tensor composed(Tensor logits, int iterations, double eps) {
        Tensor y = Autograd.withoutGradients(() -> {
            Tensor x = shift(softmax(logits), eps);
            for (int i = 0; i < 2 * iterations - 1; i++) {
                x = divide(x, denominators(x, axisOfStep(i), eps));
            }
            return x;
        });
        return recorded(logits, Autograd.detach(y), dy -> gradient(Autograd.detach(logits), iterations, eps, dy));
    }

    /**
     * A step x′ = x/(s+ε) has the gradient g ← (g − Σ g∘x′)/(s+ε), the sum along the step's axis; ε vanishes but for the divisor.
     */
    private static Tensor gradient(Tensor logits, int iterations, double eps, Tensor dy) {
        record Step(Tensor result, Tensor denominators) {}
        Tensor probabilities = softmax(logits);
        var steps = new ArrayList<Step>(2 * iterations - 1);
        Tensor x = shift(probabilities, eps);
        for (int i = 0; i < 2 * iterations - 1; i++) {
            Tensor denominators = denominators(x, axisOfStep(i), eps);
            x = divide(x, denominators);
            steps.add(new Step(x, denominators));
        }
        Tensor g = dy;
        for (int i = steps.size() - 1; i >= 0; i--) {
            Step step = steps.get(i);
            int axis = axisOfStep(i);
            Tensor inner = insertAxis(sum(multiply(g, step.result), axis), axis);
            g = divide(subtract(g, inner), step.denominators);
        }
        Tensor inner = insertAxis(sum(multiply(g, probabilities), TARGETS), TARGETS);
        return multiply(probabilities, subtract(g, inner));
    }

    /** Columns are summed over sources, rows over targets. */
    private static int axisOfStep(int step) {
        return step % 2 == 0 ? SOURCES : TARGETS;
    }

    private static Tensor denominators(Tensor x, int axis, double eps) {
        return insertAxis(shift(sum(x, axis), eps), axis);
    }
}
