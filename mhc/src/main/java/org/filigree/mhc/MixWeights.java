package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.MatMul.transposedMatmul;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.core.tensor.Tensor;

/**
 * The weights of one step: the sub-layer reads u = Σ_j pre_j·X_j, and its output y is written by X′_k = post_k·y + Σ_j comb[j,k]·X_j.
 *
 * @param pre [outer…, streams], weights of reading
 * @param post [outer…, streams], weights of writing
 * @param comb [outer…, streams, streams], from source j (rows) to target k (columns); the paper's H_res is its transpose
 */
public record MixWeights(Tensor pre, Tensor post, Tensor comb) {
    /**
     * Reads the streams.
     *
     * @param streams X [outer…, streams, width]
     * @return u [outer…, width]
     */
    public Tensor collapse(Tensor streams) {
        return collapse(streams, pre);
    }

    /**
     * Reads the streams by given weights, for forms that read by the weights of an earlier step.
     *
     * @param streams X [outer…, streams, width]
     * @param pre [outer…, streams]
     * @return u [outer…, width]
     */
    public static Tensor collapse(Tensor streams, Tensor pre) {
        return sum(multiply(streams, insertAxis(pre, -1)), -2);
    }

    /**
     * Mixes the streams and writes a sub-layer's output to them.
     *
     * @param streams X [outer…, streams, width]
     * @param y output of the sub-layer [outer…, width]
     * @return X′ [outer…, streams, width]
     */
    public Tensor combine(Tensor streams, Tensor y) {
        Tensor written = multiply(insertAxis(post, -1), insertAxis(y, -2));
        return add(written, transposedMatmul(comb, streams));
    }
}
