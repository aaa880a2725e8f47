package org.filigree.v4;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;

/**
 * From hidden states to logits: normalisation, then a projection to the vocabulary. The model has two: one continues text, the
 * other fills gaps in code.
 *
 * @param norm over the width
 * @param projection width to vocabulary
 */
public record PredictionHead(RmsNorm norm, Linear projection) {
    static PredictionHead init(V4Config config, Backend backend, RandomStream random) {
        return new PredictionHead(
                RmsNorm.init(backend, config.width(), config.normEps()),
                LinearConfig.of(config.width(), config.vocabulary()).init(backend, random));
    }

    /**
     * Logits of the next token.
     *
     * @param hidden [outer…, width]
     * @return [outer…, vocabulary]
     */
    public Tensor forward(Tensor hidden) {
        return projection.forward(norm.forward(hidden));
    }

    ParameterMap parameters(String prefix) {
        return ParameterMap.empty()
                .with(prefix + "norm", norm.parameters())
                .with(prefix + "head", projection.parameters());
    }
}
