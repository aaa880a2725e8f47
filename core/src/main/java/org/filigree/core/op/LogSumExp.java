package org.filigree.core.op;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Pointwise.exp;
import static org.filigree.core.op.Pointwise.log;
import static org.filigree.core.op.Reshape.insertAxis;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** log Σ exp(x) over the last axis, natural logarithm, computed relative to the row's maximum. */
public final class LogSumExp {
    private LogSumExp() {}

    /**
     * Log-sum-exp over the last axis, which disappears; −∞ for a row of −∞.
     *
     * @param x [outer…, n], n &gt; 0
     * @return [outer…]
     */
    public static Tensor logSumExp(Tensor x) {
        Check.dtype("logSumExp", "x", x, DType.FLOAT32);
        Check.rankAtLeast("logSumExp", "x", x, 1);
        Tensor y = Autograd.withoutGradients(() -> {
            Tensor peak = Softmax.peak(x);
            return add(peak, log(Reduce.sum(exp(subtract(x, insertAxis(peak, -1))), -1)));
        });
        return Autograd.record(
                "logSumExp",
                List.of(x),
                Autograd.detach(y),
                dy -> List.of(multiply(Softmax.softmax(Autograd.detach(x)), insertAxis(dy, -1))));
    }
}
