package org.filigree.mhc;

import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Softmax.softmax;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * mHC-lite: a softmax over all permutations weighs their matrices, which are the rows of one constant matrix.
 *
 * @param entries 1 where a permutation leads from source to target, else 0 [n!, n·n]
 */
record PermutationMixer(Scores scores, Tensor entries) implements Mixer {
    static PermutationMixer of(Scores scores) {
        int n = scores.n();
        float[] entries = new float[count(n) * n * n];
        int[] sourceOf = new int[n];
        for (int q = 0; q < count(n); q++) {
            lexicographic(q, sourceOf);
            for (int target = 0; target < n; target++) {
                entries[(q * n + sourceOf[target]) * n + target] = 1;
            }
        }
        Backend backend = Backend.of(scores.base().value());
        return new PermutationMixer(scores, backend.tensors().floats(Shape.of(count(n), n * n), entries));
    }

    /** n! */
    static int count(int n) {
        int count = 1;
        for (int i = 2; i <= n; i++) {
            count *= i;
        }
        return count;
    }

    /** Writes the permutation of a rank in lexicographic order: the digits of the rank in the factorial system choose among what is left. */
    static void lexicographic(int rank, int[] permutation) {
        int n = permutation.length;
        int rest = rank;
        boolean[] used = new boolean[n];
        for (int at = 0; at < n; at++) {
            int following = count(n - 1 - at);
            int skip = rest / following;
            rest %= following;
            int choice = 0;
            while (used[choice] || skip-- > 0) {
                choice++;
            }
            used[choice] = true;
            permutation[at] = choice;
        }
    }

    @Override
    public MixWeights weights(Tensor streams) {
        int n = scores.n();
        Scores.Parts parts = scores.of(streams);
        Tensor comb =
                reshape(matmul(softmax(parts.mix()), entries), streams.shape().leading(-2, n, n));
        Sinkhorn.refuseNaN("permutations", comb);
        return new MixWeights(parts.pre(), parts.post(), comb);
    }

    @Override
    public ParameterMap parameters() {
        return scores.parameters();
    }
}
