package org.filigree.core.op;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.MatrixProduct;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Matrix products over the last two axes. Axes before them are batch axes; they must be equal on both sides, or absent on one, whose
 * single matrix then serves the whole batch.
 */
public final class MatMul {
    private MatMul() {}

    /**
     * a·b.
     *
     * @param a [batch…, m, k]
     * @param b [batch…, k, n]
     * @return [batch…, m, n]
     */
    public static Tensor matmul(Tensor a, Tensor b) {
        Tensor y = product("matmul", Form.PLAIN, a, b);
        return Autograd.record(
                "matmul",
                List.of(a, b),
                y,
                dy -> Arrays.asList(
                        Autograd.differentiable(a) ? reduced(Form.RIGHT_TRANSPOSED, dy, b, a.shape()) : null,
                        Autograd.differentiable(b) ? reduced(Form.LEFT_TRANSPOSED, a, dy, b.shape()) : null));
    }

    /**
     * a·bᵀ, the product of a linear layer.
     *
     * @param a [batch…, m, k]
     * @param b [batch…, n, k]
     * @return [batch…, m, n]
     */
    public static Tensor matmulTransposed(Tensor a, Tensor b) {
        Tensor y = product("matmulTransposed", Form.RIGHT_TRANSPOSED, a, b);
        return Autograd.record(
                "matmulTransposed",
                List.of(a, b),
                y,
                dy -> Arrays.asList(
                        Autograd.differentiable(a) ? reduced(Form.PLAIN, dy, b, a.shape()) : null,
                        Autograd.differentiable(b) ? reduced(Form.LEFT_TRANSPOSED, dy, a, b.shape()) : null));
    }

    /**
     * aᵀ·b.
     *
     * @param a [batch…, k, m]
     * @param b [batch…, k, n]
     * @return [batch…, m, n]
     */
    public static Tensor transposedMatmul(Tensor a, Tensor b) {
        Tensor y = product("transposedMatmul", Form.LEFT_TRANSPOSED, a, b);
        return Autograd.record(
                "transposedMatmul",
                List.of(a, b),
                y,
                dy -> Arrays.asList(
                        Autograd.differentiable(a) ? reduced(Form.RIGHT_TRANSPOSED, b, dy, a.shape()) : null,
                        Autograd.differentiable(b) ? reduced(Form.PLAIN, a, dy, b.shape()) : null));
    }

    static Tensor product(String operation, Form form, Tensor a, Tensor b) {
        Check.dtype(operation, "left", a, DType.FLOAT32);
        Check.dtype(operation, "right", b, DType.FLOAT32);
        Backend backend = Backend.common(operation, a, b);
        return backend.matrices().multiply(MatrixProduct.of(operation, form, a, b), a, b);
    }

    /** A gradient product whose target may lack the batch axes: then the batch is summed, in one product where rows can be joined. */
    private static Tensor reduced(Form form, Tensor a, Tensor b, Shape target) {
        if (target.rank() > 2 || (a.shape().rank() == 2 && b.shape().rank() == 2)) {
            return product("matmul gradient", form, a, b);
        }
        if (form == Form.LEFT_TRANSPOSED && a.shape().rank() == b.shape().rank()) {
            return product("matmul gradient", form, rows(a), rows(b));
        }
        Tensor batched = product("matmul gradient", form, a, b);
        int batch = Math.toIntExact(batched.shape().count(0, batched.shape().rank() - 2));
        Tensor merged = batched.viewedAs(Shape.of(batch, batched.dim(-2), batched.dim(-1)));
        return Backend.of(merged).reductions().sum(merged, 0);
    }

    private static Tensor rows(Tensor x) {
        return x.viewedAs(Shape.of(Math.toIntExact(x.shape().count(0, x.shape().rank() - 1)), x.dim(-1)));
    }
}
