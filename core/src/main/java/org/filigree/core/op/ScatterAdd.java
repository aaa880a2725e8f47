package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Summing through indices into zeros; an index of −1 scatters nowhere. */
public final class ScatterAdd {
    private ScatterAdd() {}

    /**
     * Rows: y[indices[i…], :] += source[i…, :].
     *
     * @param source FLOAT32 [indices…, tail…]
     * @param indices INT32 [indices…], −1 or a row
     * @param rows rows of the result
     * @return [rows, tail…]
     * @throws IndexOutOfBoundsException if an index is no row
     */
    public static Tensor scatterAdd(Tensor source, Tensor indices, int rows) {
        Check.dtype("scatterAdd", "source", source, DType.FLOAT32);
        Check.dtype("scatterAdd", "indices", indices, DType.INT32);
        int rank = indices.shape().rank();
        if (source.shape().rank() < rank || !source.shape().leading(rank).equals(indices.shape())) {
            throw new ShapeException(
                    "scatterAdd: source " + source.shape() + " must start with the axes of indices " + indices.shape());
        }
        Backend backend = Backend.common("scatterAdd", source, indices);
        return Autograd.record(
                "scatterAdd",
                List.of(source),
                backend.indexing().scatterAdd(source, indices, rows),
                dy -> List.of(backend.indexing().gather(dy, indices)));
    }

    /**
     * Elements along the last axis: y[…, indices[…, j]] += source[…, j].
     *
     * @param source FLOAT32 [outer…, k]
     * @param indices INT32 [outer…, k], −1 or a place
     * @param width extent of the result's last axis
     * @return [outer…, width]
     * @throws IndexOutOfBoundsException if an index is no place
     */
    public static Tensor scatterAddLast(Tensor source, Tensor indices, int width) {
        Check.dtype("scatterAddLast", "source", source, DType.FLOAT32);
        Check.dtype("scatterAddLast", "indices", indices, DType.INT32);
        if (!source.shape().equals(indices.shape())) {
            throw new ShapeException(
                    "scatterAddLast: source " + source.shape() + " and indices " + indices.shape() + " differ");
        }
        Backend backend = Backend.common("scatterAddLast", source, indices);
        return Autograd.record(
                "scatterAddLast",
                List.of(source),
                backend.indexing().scatterAddLast(source, indices, width),
                dy -> List.of(backend.indexing().gatherLast(dy, indices)));
    }
}
