package org.filigree.mhc;

import static org.filigree.core.op.Permute.transpose;
import static org.filigree.core.op.Reshape.reshape;

import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Tensor;

/** mHC in the paper's form; logits are those of H_res, comb is its transpose. */
record PaperMixer(Scores scores, int iterations) implements Mixer {
    @Override
    public MixWeights weights(Tensor streams) {
        int n = scores.n();
        Scores.Parts parts = scores.of(streams);
        Tensor logits = reshape(parts.mix(), streams.shape().leading(-2, n, n));
        return new MixWeights(parts.pre(), parts.post(), Sinkhorn.sinkhorn(transpose(logits, -2, -1), iterations, 0));
    }

    @Override
    public ParameterMap parameters() {
        return scores.parameters();
    }
}
