package org.filigree.core.tensor;

/**
 * Where a backend keeps the elements of a tensor, row-major. Implementations belong to backends and may lie in device memory; the
 * copies below are the only way to see the elements from outside, and wait for whatever computes them.
 */
public interface Storage {
    /** {@return the number of elements} */
    long size();

    /** {@return all elements as float32, a copy} */
    float[] toFloats();

    /** {@return all elements in the widest precision that the backend keeps, a copy} */
    double[] toDoubles();

    /** {@return all elements as integers, a copy; real numbers are truncated} */
    int[] toInts();
}
