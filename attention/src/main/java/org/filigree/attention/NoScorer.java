package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Scores every key 0, for selectors that choose by position. */
public record NoScorer() implements ScorerConfig, Scorer {
    @Override
    public int keyWidth() {
        return 0;
    }

    @Override
    public long parameterCount(Widths widths) {
        return 0;
    }

    @Override
    public Scorer init(Widths widths, Backend backend, RandomStream random) {
        return this;
    }

    @Override
    public Tensor keys(ScorerInput input) {
        return Backend.of(input.x()).tensors().zeros(input.x().shape().withDim(-1, 0));
    }

    @Override
    public Tensor score(ScorerInput input, Tensor keys) {
        return Backend.of(keys)
                .tensors()
                .zeros(Shape.of(input.x().dim(0), input.x().dim(1), keys.dim(1)));
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty();
    }
}
