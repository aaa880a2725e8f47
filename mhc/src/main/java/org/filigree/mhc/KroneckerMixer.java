package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.Reshape.flatten;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.split;
import static org.filigree.core.op.Softmax.softmax;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * KromHC. A factor [[p, 1−p], [1−p, p]] keeps a bit of the stream's number with weight p and flips it with 1−p, so an entry of the product
 * depends on j xor k alone: the weight of flipping just those bits.
 *
 * @param entries 1 where source xor target is the row's number, else 0 [n, n·n]
 */
record KroneckerMixer(Scores scores, Tensor entries) implements Mixer {
    static KroneckerMixer of(Scores scores) {
        int n = scores.n();
        float[] entries = new float[n * n * n];
        for (int source = 0; source < n; source++) {
            for (int target = 0; target < n; target++) {
                entries[((source ^ target) * n + source) * n + target] = 1;
            }
        }
        Backend backend = Backend.of(scores.base().value());
        return new KroneckerMixer(scores, backend.tensors().floats(Shape.of(n, n * n), entries));
    }

    /** m for n = 2^m streams. */
    static int factors(int n) {
        return Integer.numberOfTrailingZeros(n);
    }

    @Override
    public MixWeights weights(Tensor streams) {
        int n = scores.n();
        Scores.Parts parts = scores.of(streams);
        Tensor comb = reshape(
                matmul(flips(parts.mix(), streams.shape().leading(-2)), entries),
                streams.shape().leading(-2, n, n));
        Sinkhorn.refuseNaN("kronecker", comb);
        return new MixWeights(parts.pre(), parts.post(), comb);
    }

    /** The weight of each of the n ways to flip bits, the first factor's bit the most significant. */
    private Tensor flips(Tensor logits, Shape outer) {
        int factors = factors(scores.n());
        Tensor weights = Backend.of(logits).tensors().full(outer.leading(outer.rank(), 1), 1);
        if (factors == 0) {
            return weights;
        }
        Tensor pairs = softmax(reshape(logits, outer.leading(outer.rank(), factors, 2)));
        for (Tensor pair : split(pairs, -2, ones(factors))) {
            weights = flatten(multiply(insertAxis(weights, -1), pair), -2, -1);
        }
        return weights;
    }

    private static int[] ones(int count) {
        int[] ones = new int[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    @Override
    public ParameterMap parameters() {
        return scores.parameters();
    }
}
