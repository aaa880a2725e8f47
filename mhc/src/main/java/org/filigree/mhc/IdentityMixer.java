package org.filigree.mhc;

import static org.filigree.core.op.Broadcasting.broadcastTo;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Reads and writes as mHC does and mixes nothing. */
record IdentityMixer(Scores scores, Tensor identity) implements Mixer {
    static IdentityMixer of(Scores scores) {
        int n = scores.n();
        float[] identity = new float[n * n];
        for (int j = 0; j < n; j++) {
            identity[j * n + j] = 1;
        }
        Backend backend = Backend.of(scores.base().value());
        return new IdentityMixer(scores, backend.tensors().floats(Shape.of(n, n), identity));
    }

    @Override
    public MixWeights weights(Tensor streams) {
        int n = scores.n();
        Scores.Parts parts = scores.of(streams);
        return new MixWeights(
                parts.pre(), parts.post(), broadcastTo(identity, streams.shape().leading(-2, n, n)));
    }

    @Override
    public ParameterMap parameters() {
        return scores.parameters();
    }
}
