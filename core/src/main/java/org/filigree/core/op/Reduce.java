package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Sums, means and maxima along an axis, which disappears. */
public final class Reduce {
    private Reduce() {}

    /**
     * Σ along an axis.
     *
     * @param x any shape of rank 1 or more
     * @param axis which axis, negative from the end
     * @return x's shape without the axis
     */
    public static Tensor sum(Tensor x, int axis) {
        Check.dtype("sum", "x", x, DType.FLOAT32);
        int along = Check.axis("sum", x, axis);
        Backend backend = Backend.of(x);
        return Autograd.record(
                "sum",
                List.of(x),
                backend.reductions().sum(x, along),
                dy -> List.of(backend.layout().broadcast(dy.viewedAs(x.shape().withDim(along, 1)), x.shape())));
    }

    /**
     * Σ of all elements.
     *
     * @param x any shape
     * @return a scalar
     */
    public static Tensor sum(Tensor x) {
        return sum(Reshape.reshape(x, Math.toIntExact(x.shape().size())), 0);
    }

    /**
     * Mean along an axis.
     *
     * @param x any shape of rank 1 or more
     * @param axis which axis, negative from the end; not empty
     * @return x's shape without the axis
     */
    public static Tensor mean(Tensor x, int axis) {
        notEmpty("mean", x, axis);
        return Affine.scale(sum(x, axis), 1.0 / x.dim(axis));
    }

    /**
     * Mean of all elements.
     *
     * @param x any shape with at least one element
     * @return a scalar
     */
    public static Tensor mean(Tensor x) {
        return mean(Reshape.reshape(x, Math.toIntExact(x.shape().size())), 0);
    }

    /**
     * Maximum along an axis; the gradient goes to the first of the largest.
     *
     * @param x any shape of rank 1 or more
     * @param axis which axis, negative from the end; not empty
     * @return x's shape without the axis
     */
    public static Tensor max(Tensor x, int axis) {
        Check.dtype("max", "x", x, DType.FLOAT32);
        notEmpty("max", x, axis);
        int along = Check.axis("max", x, axis);
        Backend backend = Backend.of(x);
        return Autograd.record("max", List.of(x), backend.reductions().max(x, along), dy -> {
            int[] toLast = axisToLast(x.shape().rank(), along);
            Tensor turned = backend.layout().permute(x, toLast);
            Tensor winners = backend.indexing().topK(turned, 1).indices();
            Tensor dTurned = backend.indexing().scatterAddLast(dy.viewedAs(winners.shape()), winners, x.dim(along));
            return List.of(backend.layout().permute(dTurned, Permute.inverse(toLast)));
        });
    }

    private static int[] axisToLast(int rank, int axis) {
        int[] order = new int[rank];
        for (int i = 0; i < rank - 1; i++) {
            order[i] = i < axis ? i : i + 1;
        }
        order[rank - 1] = axis;
        return order;
    }

    private static void notEmpty(String operation, Tensor x, int axis) {
        if (x.dim(Check.axis(operation, x, axis)) == 0) {
            Shape shape = x.shape();
            throw new ShapeException(operation + ": axis " + axis + " of " + shape + " is empty");
        }
    }
}
