package org.filigree.mhc;

import java.util.List;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.ShapeException;

/** What the instruments ask of the matrices that they are given. */
final class SquareMatrices {
    private SquareMatrices() {}

    /** As many columns in every row as there are rows, at least one. */
    static void check(String operation, double[][] matrix) {
        Check.positive(operation + ": rows", matrix.length);
        for (int i = 0; i < matrix.length; i++) {
            if (matrix[i].length != matrix.length) {
                throw new ShapeException(operation + ": row " + i + " has " + matrix[i].length
                        + " entries, but there are " + matrix.length + " rows; the matrix must be square");
            }
        }
    }

    /** At least one, all of a size. */
    static void check(String operation, List<double[][]> matrices) {
        Check.positive(operation + ": matrices", matrices.size());
        int n = matrices.getFirst().length;
        for (int l = 0; l < matrices.size(); l++) {
            check(operation, matrices.get(l));
            if (matrices.get(l).length != n) {
                throw new ShapeException(operation + ": matrix " + l + " has " + matrices.get(l).length
                        + " rows, but those before have " + n);
            }
        }
    }
}
