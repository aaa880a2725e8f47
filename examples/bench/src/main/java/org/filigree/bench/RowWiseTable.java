package org.filigree.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Affine;
import org.filigree.core.op.Arithmetic;
import org.filigree.core.op.CrossEntropy;
import org.filigree.core.op.Pointwise;
import org.filigree.core.op.RmsNorm;
import org.filigree.core.op.Softmax;
import org.filigree.core.op.SwiGlu;
import org.filigree.core.tensor.Tensor;

/**
 * Operations that memory limits: on matrices of 4096 × 4096, larger than the caches as the activations of real models are, and for
 * information on the small ones of a tiny model, where what counts is the way to the kernel.
 */
final class RowWiseTable implements Table {
    private static final double EPS = 1e-6;
    private static final int[] SMALL_ROWS = {8, 2048};
    private static final int SMALL_WIDTH = 128;

    @Override
    public String name() {
        return "rows";
    }

    @Override
    public String title() {
        return "Row-wise and element-wise operations, float32";
    }

    @Override
    public List<Workload> rows() {
        int n = 4096;
        List<Workload> rows = new ArrayList<>(List.of(
                softmax(n, n, List.of(new Target.TimesPeer(1.3))),
                rmsNorm(n, n, List.of(new Target.TimesPeer(2))),
                swiGlu(n, n, List.of(new Target.TimesPeer(2))),
                crossEntropy(n, n, List.of(new Target.TimesPeer(1.5))),
                add(n, n, List.of(new Target.ShareOfBandwidth(0.8))),
                workload(
                        "scale and shift",
                        "affine",
                        n,
                        n,
                        2,
                        1e-6,
                        List.of(new Target.ShareOfBandwidth(0.8)),
                        backend -> {
                            Tensor x = Inputs.tensor(backend, 1, n, n);
                            return () -> List.of(Affine.affine(x, 1.5, 0.25));
                        }),
                workload("exp", "exp", n, n, 2, 1e-5, List.of(new Target.ShareOfBandwidth(0.8)), backend -> {
                    Tensor x = wide(backend, n, n);
                    return () -> List.of(Pointwise.exp(x));
                }),
                workload("softmax, both ways", "softmax_gradient", n, n, 5, 1e-6, List.of(), backend -> {
                    Tensor x = wide(backend, n, n);
                    Tensor dy = Inputs.tensor(backend, 2, n, n);
                    return () -> BothWays.run(leaves -> Softmax.softmax(leaves.getFirst()), dy, x);
                }),
                workload("RMS norm, both ways", "rms_norm_gradient", n, n, 5, 1e-3, List.of(), backend -> {
                    Tensor x = wide(backend, n, n);
                    Tensor w = Inputs.tensor(backend, 2, n);
                    Tensor dy = Inputs.tensor(backend, 3, n, n);
                    return () ->
                            BothWays.run(leaves -> RmsNorm.rmsNorm(leaves.getFirst(), leaves.getLast(), EPS), dy, x, w);
                }),
                workload("SwiGLU, both ways", "swiglu_gradient", n, n, 8, 1e-5, List.of(), backend -> {
                    Tensor gate = wide(backend, n, n);
                    Tensor up = Inputs.tensor(backend, 2, n, n);
                    Tensor dy = Inputs.tensor(backend, 3, n, n);
                    return () ->
                            BothWays.run(leaves -> SwiGlu.swiGlu(leaves.getFirst(), leaves.getLast()), dy, gate, up);
                })));
        for (int m : SMALL_ROWS) {
            rows.add(add(m, SMALL_WIDTH, List.of()));
            rows.add(softmax(m, SMALL_WIDTH, List.of()));
            rows.add(rmsNorm(m, SMALL_WIDTH, List.of()));
            rows.add(swiGlu(m, SMALL_WIDTH, List.of()));
        }
        return rows;
    }

    private static Workload add(int m, int n, List<Target> targets) {
        return workload("add", "add", m, n, 3, 1e-6, targets, backend -> {
            Tensor a = Inputs.tensor(backend, 1, m, n);
            Tensor b = Inputs.tensor(backend, 2, m, n);
            return () -> List.of(Arithmetic.add(a, b));
        });
    }

    private static Workload softmax(int m, int n, List<Target> targets) {
        return workload("softmax", "softmax", m, n, 2, 1e-6, targets, backend -> {
            Tensor x = wide(backend, m, n);
            return () -> List.of(Softmax.softmax(x));
        });
    }

    private static Workload rmsNorm(int m, int n, List<Target> targets) {
        return workload("RMS norm", "rms_norm", m, n, 2, 1e-5, targets, backend -> {
            Tensor x = wide(backend, m, n);
            Tensor weight = Inputs.tensor(backend, 2, n);
            return () -> List.of(RmsNorm.rmsNorm(x, weight, EPS));
        });
    }

    private static Workload swiGlu(int m, int n, List<Target> targets) {
        return workload("SwiGLU", "swiglu", m, n, 3, 1e-5, targets, backend -> {
            Tensor gate = wide(backend, m, n);
            Tensor up = Inputs.tensor(backend, 2, m, n);
            return () -> List.of(SwiGlu.swiGlu(gate, up));
        });
    }

    private static Workload crossEntropy(int m, int n, List<Target> targets) {
        return workload("cross entropy, both ways", "cross_entropy_gradient", m, n, 3, 1e-5, targets, backend -> {
            Tensor logits = wide(backend, m, n);
            Tensor classes = Inputs.classes(backend, 2, m, n);
            return () -> {
                Tensor leaf = Autograd.leaf(logits);
                Tensor loss = CrossEntropy.crossEntropy(leaf, classes);
                return List.of(loss, Autograd.backward(loss).of(leaf));
            };
        });
    }

    /** @param arrays operands and results of m × n that must be read or written */
    private static Workload workload(
            String name,
            String kind,
            int m,
            int n,
            int arrays,
            double tolerance,
            List<Target> targets,
            Function<Backend, Work> setUp) {
        return new Workload(
                name + " [" + m + ", " + n + "]",
                0,
                4.0 * arrays * m * n,
                tolerance,
                targets,
                kind,
                Map.of("m", m, "n", n),
                setUp);
    }

    /** Values in [−4, 4), where exponentials differ. */
    private static Tensor wide(Backend backend, int m, int n) {
        return Affine.scale(Inputs.tensor(backend, 1, m, n), 4);
    }
}
