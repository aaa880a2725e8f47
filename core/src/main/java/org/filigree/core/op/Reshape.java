package org.filigree.core.op;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** The same elements under another shape; shares storage. */
public final class Reshape {
    private Reshape() {}

    /**
     * Gives a tensor other dimensions.
     *
     * @param x any shape
     * @param dims new dimensions; one of them may be −1, which takes what is left
     * @return the same elements, row-major
     * @throws ShapeException if the numbers of elements differ
     */
    public static Tensor reshape(Tensor x, int... dims) {
        return reshape(x, resolve(x.shape(), dims));
    }

    /**
     * Gives a tensor another shape.
     *
     * @param x any shape
     * @param shape as many elements
     * @return the same elements, row-major
     * @throws ShapeException if the numbers of elements differ
     */
    public static Tensor reshape(Tensor x, Shape shape) {
        if (x.shape().equals(shape)) {
            return x;
        }
        if (x.shape().size() != shape.size()) {
            throw new ShapeException("reshape: " + x.shape() + " has "
                    + x.shape().size() + " elements but " + shape + " has " + shape.size());
        }
        return Autograd.record("reshape", List.of(x), x.viewedAs(shape), dy -> List.of(dy.viewedAs(x.shape())));
    }

    /**
     * Inserts an axis of extent 1.
     *
     * @param x any shape
     * @param axis where the new axis stands in the result, negative from the end
     * @return x's shape with the axis
     */
    public static Tensor insertAxis(Tensor x, int axis) {
        int rank = x.shape().rank() + 1;
        int at = axis < 0 ? axis + rank : axis;
        if (at < 0 || at >= rank) {
            throw new ShapeException("insertAxis: " + x.shape() + " cannot get an axis at " + axis);
        }
        int[] dims = new int[rank];
        for (int i = 0; i < rank; i++) {
            dims[i] = i == at ? 1 : x.dim(i < at ? i : i - 1);
        }
        return reshape(x, Shape.of(dims));
    }

    /**
     * Merges a range of axes into one.
     *
     * @param x any shape
     * @param from first axis, negative from the end
     * @param to last axis, inclusive, negative from the end
     * @return x's shape with the axes merged
     */
    public static Tensor flatten(Tensor x, int from, int to) {
        int first = Check.axis("flatten", x, from);
        int last = Check.axis("flatten", x, to);
        int[] dims = new int[x.shape().rank() - (last - first)];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = i < first
                    ? x.dim(i)
                    : i == first ? Math.toIntExact(x.shape().count(first, last + 1)) : x.dim(i + last - first);
        }
        return reshape(x, Shape.of(dims));
    }

    private static Shape resolve(Shape from, int[] dims) {
        int[] resolved = dims.clone();
        int open = -1;
        long known = 1;
        for (int i = 0; i < dims.length; i++) {
            if (dims[i] == -1 && open < 0) {
                open = i;
            } else {
                known *= dims[i];
            }
        }
        if (open >= 0) {
            if (known <= 0 || from.size() % known != 0) {
                throw new ShapeException("reshape: " + from + " has " + from.size() + " elements, which "
                        + Arrays.toString(dims) + " cannot divide by " + known);
            }
            resolved[open] = Math.toIntExact(from.size() / known);
        }
        return Shape.of(resolved);
    }
}
