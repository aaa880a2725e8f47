package org.filigree.core.backend.vector;

/**
 * A matrix inside an array, row by row.
 *
 * @param values the array
 * @param offset index of element (0, 0)
 * @param stride distance between rows, at least the number of columns
 */
@SuppressWarnings("ArrayRecordComponent") // never compared: a name for three arguments
record Matrix(float[] values, int offset, int stride) {
    /** Index of element (row, column). */
    int at(int row, int column) {
        return offset + row * stride + column;
    }
}
