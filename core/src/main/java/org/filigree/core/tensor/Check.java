package org.filigree.core.tensor;

import java.util.Arrays;

/** The checks that configurations and operations make at their public doors, with one wording for the whole library. */
public final class Check {
    private Check() {}

    /**
     * Requires a value above zero.
     *
     * @param name what the value is
     * @param value the value
     * @throws IllegalArgumentException otherwise
     */
    public static void positive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive but is " + value);
        }
    }

    /**
     * Requires a finite value above zero.
     *
     * @param name what the value is
     * @param value the value
     * @throws IllegalArgumentException otherwise
     */
    public static void positive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be positive and finite but is " + value);
        }
    }

    /**
     * Requires a count of zero or more.
     *
     * @param name what the value is
     * @param value the value
     * @throws IllegalArgumentException otherwise
     */
    public static void notNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must be zero or more but is " + value);
        }
    }

    /**
     * Requires a finite value of zero or more.
     *
     * @param name what the value is
     * @param value the value
     * @throws IllegalArgumentException otherwise
     */
    public static void notNegative(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be zero or more but is " + value);
        }
    }

    /**
     * Requires a count inside a closed range.
     *
     * @param name what the value is
     * @param value the value
     * @param low smallest allowed
     * @param high largest allowed
     * @throws IllegalArgumentException otherwise
     */
    public static void between(String name, long value, long low, long high) {
        if (value < low || value > high) {
            throw new IllegalArgumentException(name + " must be between " + low + " and " + high + " but is " + value);
        }
    }

    /**
     * Requires a value inside a closed range.
     *
     * @param name what the value is
     * @param value the value
     * @param low smallest allowed
     * @param high largest allowed
     * @throws IllegalArgumentException otherwise
     */
    public static void between(String name, double value, double low, double high) {
        if (!(value >= low && value <= high)) {
            throw new IllegalArgumentException(name + " must be between " + low + " and " + high + " but is " + value);
        }
    }

    /**
     * Requires one value to be a multiple of another.
     *
     * @param name what is divided
     * @param value its value
     * @param divisorName what it is divided by
     * @param divisor the divisor
     * @throws IllegalArgumentException otherwise
     */
    public static void divides(String name, long value, String divisorName, long divisor) {
        if (divisor == 0 || value % divisor != 0) {
            throw new IllegalArgumentException(
                    name + " (" + value + ") must be a multiple of " + divisorName + " (" + divisor + ")");
        }
    }

    /**
     * Requires a tensor of a certain rank.
     *
     * @param operation who asks
     * @param name which argument
     * @param tensor the argument
     * @param rank the rank it must have
     * @throws ShapeException otherwise
     */
    public static void rank(String operation, String name, Tensor tensor, int rank) {
        if (tensor.shape().rank() != rank) {
            throw new ShapeException(operation + ": " + name + " " + tensor.shape() + " has rank "
                    + tensor.shape().rank() + ", expected " + rank);
        }
    }

    /**
     * Requires a tensor of at least a certain rank.
     *
     * @param operation who asks
     * @param name which argument
     * @param tensor the argument
     * @param rank the smallest rank it may have
     * @throws ShapeException otherwise
     */
    public static void rankAtLeast(String operation, String name, Tensor tensor, int rank) {
        if (tensor.shape().rank() < rank) {
            throw new ShapeException(operation + ": " + name + " " + tensor.shape() + " has rank "
                    + tensor.shape().rank() + ", expected " + rank + " or more");
        }
    }

    /**
     * Requires an exact shape.
     *
     * @param operation who asks
     * @param name which argument
     * @param tensor the argument
     * @param dims the dimensions it must have
     * @throws ShapeException otherwise
     */
    public static void shape(String operation, String name, Tensor tensor, int... dims) {
        if (!Arrays.equals(tensor.shape().toArray(), dims)) {
            throw new ShapeException(
                    operation + ": " + name + " is " + tensor.shape() + " but must be " + Shape.of(dims));
        }
    }

    /**
     * Requires the last dimension of a tensor to have a certain extent.
     *
     * @param operation who asks
     * @param name which argument
     * @param tensor the argument
     * @param width the extent
     * @throws ShapeException otherwise
     */
    public static void lastDim(String operation, String name, Tensor tensor, int width) {
        if (tensor.shape().rank() == 0 || tensor.dim(-1) != width) {
            throw new ShapeException(operation + ": " + name + " " + tensor.shape() + " must end in " + width);
        }
    }

    /**
     * Requires a tensor to have an axis.
     *
     * @param operation who asks
     * @param tensor the argument
     * @param axis axis, negative from the end
     * @return the same axis counted from 0
     * @throws ShapeException otherwise
     */
    public static int axis(String operation, Tensor tensor, int axis) {
        int rank = tensor.shape().rank();
        if (axis < -rank || axis >= rank) {
            throw new ShapeException(operation + ": " + tensor.shape() + " of rank " + rank + " has no axis " + axis);
        }
        return axis < 0 ? axis + rank : axis;
    }

    /**
     * Requires an element type.
     *
     * @param operation who asks
     * @param name which argument
     * @param tensor the argument
     * @param dtype the type it must have
     * @throws ShapeException otherwise
     */
    public static void dtype(String operation, String name, Tensor tensor, DType dtype) {
        if (tensor.dtype() != dtype) {
            throw new ShapeException(
                    operation + ": " + name + " " + tensor.shape() + " is " + tensor.dtype() + " but must be " + dtype
                            + (dtype == DType.FLOAT32
                                    ? "; token ids become activations in an Embedding, other numbers are made with"
                                            + " backend.tensors().floats(shape, values)"
                                    : "; make it with backend.tensors().ints(shape, values)"));
        }
    }
}
