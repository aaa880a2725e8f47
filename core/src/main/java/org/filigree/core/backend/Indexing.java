package org.filigree.core.backend;

import org.filigree.core.tensor.Tensor;

/** Access through indices. An index of −1 means none: it gathers zeros and scatters nowhere. Indices were not checked by the caller. */
public interface Indexing {
    /**
     * Rows of a table: result[i…, :] = table[indices[i…], :].
     *
     * @param table [rows, tail…], of either type
     * @param indices INT32, any shape, each −1 or in [0, rows)
     * @return [indices…, tail…]
     * @throws IndexOutOfBoundsException naming the index, its place and the number of rows
     */
    Tensor gather(Tensor table, Tensor indices);

    /**
     * Sums rows into a table of zeros: result[indices[i…], :] += source[i…, :], in ascending order of i.
     *
     * @param source FLOAT32 [indices…, tail…]
     * @param indices INT32, each −1 or in [0, rows)
     * @param rows rows of the result
     * @return [rows, tail…]
     * @throws IndexOutOfBoundsException naming the index, its place and the number of rows
     */
    Tensor scatterAdd(Tensor source, Tensor indices, int rows);

    /**
     * Elements along the last axis: result[…, j] = x[…, indices[…, j]].
     *
     * @param x FLOAT32 [outer…, n]
     * @param indices INT32 [outer…, k], each −1 or in [0, n)
     * @return [outer…, k]
     * @throws IndexOutOfBoundsException naming the index, its place and n
     */
    Tensor gatherLast(Tensor x, Tensor indices);

    /**
     * Sums elements along the last axis into zeros: result[…, indices[…, j]] += source[…, j], in ascending order of j.
     *
     * @param source FLOAT32 [outer…, k]
     * @param indices INT32 [outer…, k], each −1 or in [0, width)
     * @param width extent of the result's last axis
     * @return [outer…, width]
     * @throws IndexOutOfBoundsException naming the index, its place and the width
     */
    Tensor scatterAddLast(Tensor source, Tensor indices, int width);

    /**
     * The k largest elements along the last axis, largest first, ties to the lower index; NaN ranks below everything.
     *
     * @param x FLOAT32 [outer…, n]
     * @param k how many, at most n
     * @return values and indices, both [outer…, k]
     */
    Largest topK(Tensor x, int k);

    /**
     * The largest elements along an axis.
     *
     * @param values FLOAT32 [outer…, k], descending
     * @param indices INT32 [outer…, k], where they stood
     */
    record Largest(Tensor values, Tensor indices) {}
}
