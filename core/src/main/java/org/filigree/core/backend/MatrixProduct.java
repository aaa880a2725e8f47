package org.filigree.core.backend;

import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * A matrix product, or a batch of them, with all extents resolved: result[b] = left[b]·right[b], each operand perhaps transposed.
 * An operand with one matrix serves every member of the batch.
 *
 * @param form which operand is stored transposed
 * @param batch number of products
 * @param m rows of a result
 * @param n columns of a result
 * @param k length of the sums
 * @param leftBatch matrices in the left operand, 1 or {@code batch}
 * @param rightBatch matrices in the right operand, 1 or {@code batch}
 * @param result shape of the result
 */
public record MatrixProduct(Form form, int batch, int m, int n, int k, int leftBatch, int rightBatch, Shape result) {
    /** How the operands of one product are stored, row-major. */
    public enum Form {
        /** Left [m, k], right [k, n]. */
        PLAIN,
        /** Left [m, k], right [n, k]: the form of a linear layer. */
        RIGHT_TRANSPOSED,
        /** Left [k, m], right [k, n]: the form of a weight's gradient. */
        LEFT_TRANSPOSED
    }

    /**
     * Resolves the extents of a product. Leading axes are batch axes; an operand of rank 2 has none. Where only the left operand has
     * batch axes and is not transposed, they are folded into its rows and one large product remains.
     *
     * @param operation name for error messages
     * @param form which operand is stored transposed
     * @param left left operand, rank 2 or more
     * @param right right operand, rank 2 or more
     * @return the plan
     * @throws ShapeException if the operands do not fit
     */
    public static MatrixProduct of(String operation, Form form, Tensor left, Tensor right) {
        Shape a = left.shape();
        Shape b = right.shape();
        if (a.rank() < 2 || b.rank() < 2) {
            throw new ShapeException(operation + ": left " + a + " and right " + b
                    + " must both have rank 2 or more; reshape a vector to a matrix");
        }
        int m = a.dim(form == Form.LEFT_TRANSPOSED ? -1 : -2);
        int k = a.dim(form == Form.LEFT_TRANSPOSED ? -2 : -1);
        int n = b.dim(form == Form.RIGHT_TRANSPOSED ? -2 : -1);
        int other = b.dim(form == Form.RIGHT_TRANSPOSED ? -1 : -2);
        if (k != other) {
            throw new ShapeException(operation + ": left " + a + (form == Form.LEFT_TRANSPOSED ? " has " : " ends in ")
                    + k
                    + (form == Form.LEFT_TRANSPOSED ? " rows" : "") + " but right " + b
                    + switch (form) {
                        case PLAIN ->
                            (b.rank() == 2 ? " starts with " : " has rows ") + other + "; transpose the right operand?";
                        case RIGHT_TRANSPOSED -> " ends in " + other + "; use the plain product?";
                        case LEFT_TRANSPOSED -> " has " + other + "; use the plain product?";
                    });
        }
        int leftBatch = Math.toIntExact(a.count(0, a.rank() - 2));
        int rightBatch = Math.toIntExact(b.count(0, b.rank() - 2));
        boolean sameBatch = a.rank() == b.rank() && a.leading(-2).equals(b.leading(-2));
        if (a.rank() > 2 && b.rank() > 2 && !sameBatch) {
            throw new ShapeException(operation + ": batch axes " + a.leading(-2) + " of left " + a + " and "
                    + b.leading(-2) + " of right " + b + " differ; broadcast one of them or give it rank 2");
        }
        Shape result = (a.rank() >= b.rank() ? a : b).leading(-2, m, n);
        if (b.rank() == 2 && form != Form.LEFT_TRANSPOSED) {
            return new MatrixProduct(form, 1, Math.multiplyExact(leftBatch, m), n, k, 1, 1, result);
        }
        int batch = a.rank() >= b.rank() ? leftBatch : rightBatch;
        return new MatrixProduct(form, batch, m, n, k, a.rank() == 2 ? 1 : batch, b.rank() == 2 ? 1 : batch, result);
    }
}
