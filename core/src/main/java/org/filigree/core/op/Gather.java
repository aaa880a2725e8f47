package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Reading through indices; an index of −1 gathers zeros. */
public final class Gather {
    private Gather() {}

    /**
     * Rows of a table: y[i…, :] = table[indices[i…], :].
     *
     * @param table [rows, tail…], either type
     * @param indices INT32 [indices…], −1 or a row
     * @return [indices…, tail…]
     * @throws IndexOutOfBoundsException if an index is no row
     */
    public static Tensor gather(Tensor table, Tensor indices) {
        Check.rankAtLeast("gather", "table", table, 1);
        Check.dtype("gather", "indices", indices, DType.INT32);
        Backend backend = Backend.common("gather", table, indices);
        return Autograd.record(
                "gather",
                List.of(table),
                backend.indexing().gather(table, indices),
                dy -> List.of(backend.indexing().scatterAdd(dy, indices, table.dim(0))));
    }

    /**
     * Elements along the last axis: y[…, j] = x[…, indices[…, j]].
     *
     * @param x FLOAT32 [outer…, n]
     * @param indices INT32 [outer…, k], −1 or a place
     * @return [outer…, k]
     * @throws IndexOutOfBoundsException if an index is no place
     */
    public static Tensor gatherLast(Tensor x, Tensor indices) {
        Check.dtype("gatherLast", "x", x, DType.FLOAT32);
        Check.dtype("gatherLast", "indices", indices, DType.INT32);
        sameOuter("gatherLast", x.shape(), indices.shape());
        Backend backend = Backend.common("gatherLast", x, indices);
        return Autograd.record(
                "gatherLast",
                List.of(x),
                backend.indexing().gatherLast(x, indices),
                dy -> List.of(backend.indexing().scatterAddLast(dy, indices, x.dim(-1))));
    }

    static void sameOuter(String operation, Shape x, Shape indices) {
        if (x.rank() == 0 || x.rank() != indices.rank() || !x.leading(-1).equals(indices.leading(-1))) {
            throw new ShapeException(operation + ": x " + x + " and indices " + indices
                    + " must agree but for the last axis; broadcast the indices?");
        }
    }
}
