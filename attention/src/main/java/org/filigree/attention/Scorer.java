package org.filigree.attention;

import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Tensor;

/**
 * Tells how much every query wants every key, cheaply, so that a {@link Selector} can choose. Inputs arrive cut off the graph: the
 * language-model loss gives a scorer no gradient, and {@link IndexerLoss} none to the rest of the model.
 */
public interface Scorer {
    /** {@return channels of its own key for each token, which a cache must keep; 0 if it needs none} */
    int keyWidth();

    /**
     * Its own keys of the tokens at hand.
     *
     * @param input the tokens
     * @return [batch, tokens, key width]
     */
    Tensor keys(ScorerInput input);

    /**
     * Scores of all keys, visible or not.
     *
     * @param input the tokens that ask
     * @param keys its own keys of every token so far, [batch, keys, key width]
     * @return [batch, tokens, keys]
     */
    Tensor score(ScorerInput input, Tensor keys);

    /** {@return its parameters; a layer lists them under {@code indexer}} */
    ParameterMap parameters();
}
