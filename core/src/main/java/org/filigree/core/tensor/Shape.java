package org.filigree.core.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The extent of a tensor along each axis, outermost first; elements lie row-major, the last axis fastest. A scalar has rank 0.
 *
 * <p>Axes are counted from 0; a negative axis counts from the end, so −1 is the last.
 */
public final class Shape {
    private final int[] dims;
    private final long size;

    private Shape(int[] dims) {
        long product = 1;
        for (int dim : dims) {
            if (dim < 0) {
                throw new ShapeException("shape: " + describe(dims) + " has the negative dimension " + dim);
            }
            product = Math.multiplyExact(product, (long) dim);
        }
        this.dims = dims;
        this.size = product;
    }

    /**
     * A shape with the given dimensions.
     *
     * @param dims extents, outermost first; none for a scalar
     * @return the shape
     * @throws ShapeException if a dimension is negative
     */
    public static Shape of(int... dims) {
        return new Shape(dims.clone());
    }

    /** {@return the number of axes} */
    public int rank() {
        return dims.length;
    }

    /** {@return the number of elements} */
    public long size() {
        return size;
    }

    /**
     * The extent along one axis.
     *
     * @param axis axis, negative from the end
     * @return extent
     * @throws ShapeException if there is no such axis
     */
    public int dim(int axis) {
        return dims[axis(axis)];
    }

    /**
     * Resolves an axis that may count from the end.
     *
     * @param axis axis, negative from the end
     * @return the same axis counted from 0
     * @throws ShapeException if there is no such axis
     */
    public int axis(int axis) {
        int resolved = axis < 0 ? axis + dims.length : axis;
        if (resolved < 0 || resolved >= dims.length) {
            throw new ShapeException("shape: " + this + " of rank " + dims.length + " has no axis " + axis);
        }
        return resolved;
    }

    /**
     * The product of the dimensions of a range of axes.
     *
     * @param from first axis
     * @param to axis after the last
     * @return number of elements, 1 for an empty range
     */
    public long count(int from, int to) {
        long product = 1;
        for (int i = from; i < to; i++) {
            product *= dims[i];
        }
        return product;
    }

    /** {@return the dimensions, a copy} */
    public int[] toArray() {
        return dims.clone();
    }

    /**
     * This shape with one dimension replaced.
     *
     * @param axis axis, negative from the end
     * @param dim its new extent
     * @return the new shape
     */
    public Shape withDim(int axis, int dim) {
        int[] copy = dims.clone();
        copy[axis(axis)] = dim;
        return new Shape(copy);
    }

    /**
     * This shape without one axis.
     *
     * @param axis axis, negative from the end
     * @return the new shape, one rank lower
     */
    public Shape without(int axis) {
        int resolved = axis(axis);
        int[] copy = new int[dims.length - 1];
        System.arraycopy(dims, 0, copy, 0, resolved);
        System.arraycopy(dims, resolved + 1, copy, resolved, copy.length - resolved);
        return new Shape(copy);
    }

    /**
     * The first axes of this shape followed by further dimensions.
     *
     * @param axes how many leading axes to keep, negative to leave that many off the end
     * @param tail dimensions that follow
     * @return the new shape
     */
    public Shape leading(int axes, int... tail) {
        int keep = axes < 0 ? axes + dims.length : axes;
        if (keep < 0 || keep > dims.length) {
            throw new ShapeException("shape: cannot keep " + axes + " axes of " + this);
        }
        int[] copy = Arrays.copyOf(dims, keep + tail.length);
        System.arraycopy(tail, 0, copy, keep, tail.length);
        return new Shape(copy);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    @Override
    public String toString() {
        return describe(dims);
    }

    private static String describe(int[] dims) {
        return Arrays.stream(dims).mapToObj(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    }
}
