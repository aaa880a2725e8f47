package org.filigree.core.op;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.kernel.GroupedProductKernel;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Linear layers on consecutive groups of rows: y[r] = x[r]·w[g]ᵀ for the rows r of group g. */
public final class GroupedMatMul {
    private GroupedMatMul() {}

    /**
     * Multiplies every group of rows by its own weight.
     *
     * @param x [rows, k], sorted by group
     * @param weights [groups, n, k]
     * @param offsets INT32 [groups+1]: group g has rows offsets[g] … offsets[g+1]−1; from 0 to rows, ascending
     * @return [rows, n]
     * @throws ShapeException if shapes or offsets do not fit
     */
    public static Tensor groupedMatmul(Tensor x, Tensor weights, Tensor offsets) {
        Check.rank("groupedMatmul", "x", x, 2);
        Check.rank("groupedMatmul", "weights", weights, 3);
        Check.shape("groupedMatmul", "weights", weights, weights.dim(0), weights.dim(1), x.dim(1));
        Check.dtype("groupedMatmul", "offsets", offsets, DType.INT32);
        Check.shape("groupedMatmul", "offsets", offsets, weights.dim(0) + 1);
        Backend backend = Backend.common("groupedMatmul", x, weights, offsets);
        int[] bounds = checkedBounds(offsets, x.dim(0));
        GroupedProductKernel kernel =
                backend.kernel(GroupedProductKernel.class).orElseGet(() -> new Composed(backend, bounds));
        return Autograd.record(
                "groupedMatmul",
                List.of(x, weights),
                kernel.multiply(x, weights, offsets),
                dy -> Arrays.asList(
                        Autograd.differentiable(x) ? kernel.inputGradient(dy, weights, offsets) : null,
                        Autograd.differentiable(weights) ? kernel.weightGradient(dy, x, offsets) : null));
    }

    private static int[] checkedBounds(Tensor offsets, int rows) {
        int[] bounds = offsets.toInts();
        for (int g = 0; g + 1 < bounds.length; g++) {
            if (bounds[g] > bounds[g + 1]) {
                throw new ShapeException(
                        "groupedMatmul: offsets descend from " + bounds[g] + " to " + bounds[g + 1] + " at group " + g);
            }
        }
        if (bounds[0] != 0 || bounds[bounds.length - 1] != rows) {
            throw new ShapeException("groupedMatmul: offsets run from " + bounds[0] + " to " + bounds[bounds.length - 1]
                    + " but x has rows 0 to " + rows);
        }
        return bounds;
    }

    /** One product a group, joined. */
    @SuppressWarnings("ArrayRecordComponent")
    private record Composed(Backend backend, int[] bounds) implements GroupedProductKernel {
        @Override
        public Tensor multiply(Tensor x, Tensor weights, Tensor offsets) {
            var parts = new ArrayList<Tensor>();
            for (int g = 0; g < weights.dim(0); g++) {
                parts.add(MatMul.product("groupedMatmul", Form.RIGHT_TRANSPOSED, rows(x, g), weight(weights, g)));
            }
            return joined(parts, weights.dim(1));
        }

        @Override
        public Tensor inputGradient(Tensor dy, Tensor weights, Tensor offsets) {
            var parts = new ArrayList<Tensor>();
            for (int g = 0; g < weights.dim(0); g++) {
                parts.add(MatMul.product("groupedMatmul", Form.PLAIN, rows(dy, g), weight(weights, g)));
            }
            return joined(parts, weights.dim(2));
        }

        @Override
        public Tensor weightGradient(Tensor dy, Tensor x, Tensor offsets) {
            var parts = new ArrayList<Tensor>();
            for (int g = 0; g + 1 < bounds.length; g++) {
                Tensor part = MatMul.product("groupedMatmul", Form.LEFT_TRANSPOSED, rows(dy, g), rows(x, g));
                parts.add(part.viewedAs(Shape.of(1, dy.dim(1), x.dim(1))));
            }
            return parts.isEmpty()
                    ? backend.tensors().zeros(Shape.of(0, dy.dim(1), x.dim(1)))
                    : backend.layout().concat(parts, 0);
        }

        private Tensor rows(Tensor x, int g) {
            return backend.layout().slice(x, 0, bounds[g], bounds[g + 1]);
        }

        private Tensor weight(Tensor weights, int g) {
            return backend.layout().slice(weights, 0, g, g + 1).viewedAs(Shape.of(weights.dim(1), weights.dim(2)));
        }

        private Tensor joined(List<Tensor> parts, int width) {
            return parts.isEmpty()
                    ? backend.tensors().zeros(Shape.of(0, width))
                    : backend.layout().concat(parts, 0);
        }
    }
}
