package org.filigree.core.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A dense row-major array on some backend: shape, element type and storage. A tensor is data; operations are functions in
 * {@code org.filigree.core.op}, and tensors are made by a backend's {@code TensorFactory}. Values never change, except those of
 * parameters, which optimisers update in place.
 */
public final class Tensor {
    private final Shape shape;
    private final DType dtype;
    private final Storage storage;
    private final @Nullable Lineage lineage;

    private Tensor(Shape shape, DType dtype, Storage storage, @Nullable Lineage lineage) {
        if (shape.size() != storage.size()) {
            throw new ShapeException("tensor: shape " + shape + " has " + shape.size()
                    + " elements but the storage holds " + storage.size());
        }
        this.shape = shape;
        this.dtype = dtype;
        this.storage = storage;
        this.lineage = lineage;
    }

    /**
     * A tensor over a backend's storage, without lineage.
     *
     * @param shape extents
     * @param dtype element type
     * @param storage as many elements as the shape has
     * @return the tensor
     * @throws ShapeException if the numbers of elements differ
     */
    public static Tensor of(Shape shape, DType dtype, Storage storage) {
        return new Tensor(shape, dtype, storage, null);
    }

    /** {@return the extents} */
    public Shape shape() {
        return shape;
    }

    /** {@return the element type} */
    public DType dtype() {
        return dtype;
    }

    /** {@return where the elements lie} */
    public Storage storage() {
        return storage;
    }

    /** {@return how this tensor was computed, or null if nobody recorded it} */
    public @Nullable Lineage lineage() {
        return lineage;
    }

    /**
     * The same data with another lineage.
     *
     * @param origin lineage, or null for none
     * @return a tensor that shares this one's storage
     */
    public Tensor withLineage(@Nullable Lineage origin) {
        return new Tensor(shape, dtype, storage, origin);
    }

    /**
     * The same data under another shape, without lineage; the differentiable form is the operation {@code Reshape}.
     *
     * @param other shape with as many elements
     * @return a tensor that shares this one's storage
     * @throws ShapeException if the numbers of elements differ
     */
    public Tensor viewedAs(Shape other) {
        return new Tensor(other, dtype, storage, null);
    }

    /**
     * The extent along one axis.
     *
     * @param axis axis, negative from the end
     * @return extent
     */
    public int dim(int axis) {
        return shape.dim(axis);
    }

    /** {@return all elements as float32, row-major, a copy} */
    public float[] toFloats() {
        return storage.toFloats();
    }

    /** {@return all elements in the backend's widest precision, row-major, a copy} */
    public double[] toDoubles() {
        return storage.toDoubles();
    }

    /** {@return all elements as integers, row-major, a copy} */
    public int[] toInts() {
        return storage.toInts();
    }

    /**
     * The only element.
     *
     * @return its value
     * @throws ShapeException if there is not exactly one element
     */
    public double item() {
        if (shape.size() != 1) {
            throw new ShapeException("item: " + shape + " has " + shape.size() + " elements, not one; reduce it first");
        }
        return storage.toDoubles()[0];
    }

    @Override
    public String toString() {
        String head = dtype + shape.toString();
        if (shape.size() > 16) {
            return head;
        }
        return head + " " + (dtype == DType.INT32 ? Arrays.toString(toInts()) : Arrays.toString(toFloats()));
    }
}
