package org.filigree.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.op.MatMul;
import org.filigree.core.tensor.Tensor;

/** Square matrix products in the three forms, and the skinny ones that blocks do with few tokens. */
final class MatrixProductTable implements Table {
    private static final int[] SQUARE = {256, 512, 1024, 2048};
    private static final int[] ROWS = {1, 8, 64};
    private static final int[] WIDTHS = {512, 1024, 2048, 4096};

    @Override
    public String name() {
        return "matmul";
    }

    @Override
    public String title() {
        return "Matrix product, float32";
    }

    @Override
    public List<Workload> rows() {
        List<Workload> rows = new ArrayList<>();
        for (Form form : Form.values()) {
            for (int n : SQUARE) {
                rows.add(square(form, n));
            }
        }
        for (int m : ROWS) {
            for (Form form : List.of(Form.PLAIN, Form.RIGHT_TRANSPOSED)) {
                for (int k : WIDTHS) {
                    for (int n : WIDTHS) {
                        rows.add(product(form, m, n, k, List.of(new Target.TimesPeer(1))));
                    }
                }
            }
        }
        return rows;
    }

    private static Workload square(Form form, int n) {
        List<Target> targets = n == 256
                ? List.of(new Target.TimesPeer(1))
                : List.of(new Target.TimesPeer(1), new Target.ShareOfPeak(0.85), new Target.TimesOneThread(1.8));
        return product(form, n, n, n, targets);
    }

    private static Workload product(Form form, int m, int n, int k, List<Target> targets) {
        return new Workload(
                notation(form) + " m=" + m + " k=" + k + " n=" + n,
                2.0 * m * n * k,
                0,
                // Both sides round k products of size at most 1; their errors walk randomly.
                8 * Math.sqrt(k) * 0x1p-24 * Math.sqrt(k),
                targets,
                "matmul",
                Map.of("form", form.name(), "m", m, "n", n, "k", k),
                backend -> setUp(backend, form, m, n, k));
    }

    private static Work setUp(Backend backend, Form form, int m, int n, int k) {
        Tensor left = form == Form.LEFT_TRANSPOSED ? Inputs.tensor(backend, 1, k, m) : Inputs.tensor(backend, 1, m, k);
        Tensor right =
                form == Form.RIGHT_TRANSPOSED ? Inputs.tensor(backend, 2, n, k) : Inputs.tensor(backend, 2, k, n);
        return () -> List.of(multiply(form, left, right));
    }

    private static Tensor multiply(Form form, Tensor left, Tensor right) {
        return switch (form) {
            case PLAIN -> MatMul.matmul(left, right);
            case RIGHT_TRANSPOSED -> MatMul.matmulTransposed(left, right);
            case LEFT_TRANSPOSED -> MatMul.transposedMatmul(left, right);
        };
    }

    private static String notation(Form form) {
        return switch (form) {
            case PLAIN -> "x·W";
            case RIGHT_TRANSPOSED -> "x·Wᵀ";
            case LEFT_TRANSPOSED -> "xᵀ·y";
        };
    }
}
