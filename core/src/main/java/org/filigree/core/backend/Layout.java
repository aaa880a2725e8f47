package org.filigree.core.backend;

import java.util.List;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Rearrangements, of either element type. Axes are counted from 0; shapes were checked by the caller. */
public interface Layout {
    /**
     * Reorders axes: axis i of the result is axis {@code order[i]} of x.
     *
     * @param x operand
     * @param order a permutation of the axes
     * @return the permuted tensor, row-major again
     */
    Tensor permute(Tensor x, int[] order);

    /**
     * A range along an axis.
     *
     * @param x operand
     * @param axis which axis
     * @param from first index
     * @param to index after the last
     * @return x's shape with that axis cut to {@code to − from}
     */
    Tensor slice(Tensor x, int axis, int from, int to);

    /**
     * Joins tensors along an axis.
     *
     * @param parts one or more, alike but for the axis
     * @param axis which axis
     * @return the joined tensor
     */
    Tensor concat(List<Tensor> parts, int axis);

    /**
     * Stretches axes of extent 1, and adds leading axes.
     *
     * @param x operand
     * @param shape shape that x broadcasts to
     * @return x repeated
     */
    Tensor broadcast(Tensor x, Shape shape);
}
