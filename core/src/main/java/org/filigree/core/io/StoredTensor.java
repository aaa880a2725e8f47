package org.filigree.core.io;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * A tensor as it is stored: row-major little-endian elements in a segment, which may be a view of a mapped file,
 * valid until that file is closed, and may be larger than any array.
 *
 * @param name  the tensor's name in its file
 * @param type  how elements are stored
 * @param shape sizes, none negative; empty for a scalar; a size of 0 makes an empty tensor
 * @param data  exactly the elements' bytes
 */
@SuppressWarnings("ArrayRecordComponent") // Copied on the way in and out.
public record StoredTensor(String name, StoredType type, long[] shape, MemorySegment data) {
    /**
     * Copies the shape and checks that the bytes fill it.
     *
     * @throws IllegalArgumentException if a size is negative, the sizes overflow, or the segment has another size
     *     than type and shape ask for
     */
    public StoredTensor {
        Objects.requireNonNull(name, "name");
        shape = shape.clone();
        long bytes = bytes(type, shape);
        if (data.byteSize() != bytes) {
            throw new IllegalArgumentException("tensor '" + name + "': " + type + " " + Arrays.toString(shape)
                    + " takes " + bytes + " bytes but the segment has " + data.byteSize());
        }
    }

    /**
     * A tensor of floats, narrowed by the rules of {@link StoredType}; copies.
     *
     * @param name   its name
     * @param type   a floating-point type
     * @param shape  its shape
     * @param values as many as the shape asks for
     * @return the stored form
     */
    public static StoredTensor ofFloats(String name, StoredType type, long[] shape, float[] values) {
        checkCount(name, shape, values.length);
        MemorySegment data = MemorySegment.ofArray(new byte[Math.toIntExact(type.bytes(values.length))]);
        type.fromFloats(values, 0, data, 0, values.length);
        return new StoredTensor(name, type, shape, data);
    }

    /**
     * A tensor of doubles; copies.
     *
     * @param name   its name
     * @param shape  its shape
     * @param values as many as the shape asks for
     * @return the stored form, {@code F64}
     */
    public static StoredTensor ofDoubles(String name, long[] shape, double[] values) {
        checkCount(name, shape, values.length);
        MemorySegment data = MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, Double.BYTES)]);
        StoredType.F64.fromDoubles(values, 0, data, 0, values.length);
        return new StoredTensor(name, StoredType.F64, shape, data);
    }

    /**
     * A tensor of integers; copies.
     *
     * @param name   its name
     * @param type   an integer type
     * @param shape  its shape
     * @param values as many as the shape asks for, each in the type's range
     * @return the stored form
     */
    public static StoredTensor ofLongs(String name, StoredType type, long[] shape, long[] values) {
        checkCount(name, shape, values.length);
        MemorySegment data = MemorySegment.ofArray(new byte[Math.toIntExact(type.bytes(values.length))]);
        type.fromLongs(values, 0, data, 0, values.length);
        return new StoredTensor(name, type, shape, data);
    }

    /**
     * A tensor of integers; copies.
     *
     * @param name   its name
     * @param shape  its shape
     * @param values as many as the shape asks for
     * @return the stored form, {@code I32}
     */
    public static StoredTensor ofInts(String name, long[] shape, int[] values) {
        return ofLongs(
                name,
                StoredType.I32,
                shape,
                Arrays.stream(values).asLongStream().toArray());
    }

    /**
     * The shape.
     *
     * @return a copy
     */
    @Override
    public long[] shape() {
        return shape.clone();
    }

    /**
     * Product of the shape.
     *
     * @return 1 for a scalar, 0 if a size is 0
     */
    public long elements() {
        return elements(shape);
    }

    /**
     * All elements as floats; see {@link StoredType#toFloats} for what is exact. Larger tensors are read in pieces
     * through the type.
     *
     * @return a new array in row-major order
     * @throws IllegalArgumentException if there are more than 2<sup>31</sup>−1 elements, naming the tensor
     * @throws ArithmeticException if an integer is no float, naming the tensor
     */
    public float[] toFloats() {
        float[] values = new float[arrayLength()];
        return reading(() -> type.toFloats(data, 0, values, 0, values.length), values);
    }

    /**
     * All elements as doubles, exactly.
     *
     * @return a new array in row-major order
     * @throws IllegalArgumentException if there are more than 2<sup>31</sup>−1 elements, naming the tensor
     * @throws ArithmeticException if an integer is no double, naming the tensor
     */
    public double[] toDoubles() {
        double[] values = new double[arrayLength()];
        return reading(() -> type.toDoubles(data, 0, values, 0, values.length), values);
    }

    /**
     * All elements as longs.
     *
     * @return a new array in row-major order
     * @throws IllegalArgumentException if the type is no integer type or there are more than 2<sup>31</sup>−1
     *     elements, naming the tensor
     * @throws ArithmeticException if a value is no long, naming the tensor
     */
    public long[] toLongs() {
        long[] values = new long[arrayLength()];
        return reading(() -> type.toLongs(data, 0, values, 0, values.length), values);
    }

    /**
     * All elements as ints.
     *
     * @return a new array in row-major order
     * @throws IllegalArgumentException if the type is no integer type or there are more than 2<sup>31</sup>−1
     *     elements, naming the tensor
     * @throws ArithmeticException if a value is no int, naming the tensor
     */
    public int[] toInts() {
        int[] values = new int[arrayLength()];
        return reading(() -> type.toInts(data, 0, values, 0, values.length), values);
    }

    /**
     * A short description, without the elements.
     *
     * @return name, type and shape
     */
    @Override
    public String toString() {
        return name + ": " + type + " " + Arrays.toString(shape);
    }

    private static long elements(long[] shape) {
        long elements = 1;
        for (long size : shape) {
            if (size < 0) {
                throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " has a negative size");
            }
            if (Math.unsignedMultiplyHigh(elements, size) != 0 || elements * size < 0) {
                throw new IllegalArgumentException(
                        "shape " + Arrays.toString(shape) + " has more elements than 63 bits count");
            }
            elements *= size;
        }
        return elements;
    }

    /** Bytes that type and shape take; IllegalArgumentException where there is no such number. */
    static long bytes(StoredType type, long[] shape) {
        try {
            return type.bytes(elements(shape));
        } catch (ArithmeticException overflow) {
            throw new IllegalArgumentException(
                    type + " " + Arrays.toString(shape) + " takes more bytes than 63 bits count", overflow);
        }
    }

    private static void checkCount(String name, long[] shape, int values) {
        if (elements(shape) != values) {
            throw new IllegalArgumentException("tensor '" + name + "': shape " + Arrays.toString(shape) + " has "
                    + elements(shape) + " elements but " + values + " values are given");
        }
    }

    private int arrayLength() {
        long elements = elements();
        if (elements > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("tensor '" + name + "': " + Arrays.toString(shape) + " has " + elements
                    + " elements, more than an array holds; read pieces with type().toFloats(data(), first, …)");
        }
        return (int) elements;
    }

    private <A> A reading(Runnable conversion, A values) {
        try {
            conversion.run();
            return values;
        } catch (ArithmeticException inexact) {
            throw (ArithmeticException)
                    new ArithmeticException("tensor '" + name + "': " + inexact.getMessage()).initCause(inexact);
        } catch (IllegalArgumentException wrongKind) {
            throw new IllegalArgumentException("tensor '" + name + "': " + wrongKind.getMessage(), wrongKind);
        }
    }
}
