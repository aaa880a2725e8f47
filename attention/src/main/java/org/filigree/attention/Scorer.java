package org.filigree.attention;

import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

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
     * Scores of all keys, visible or not. Every token's scores must follow from that token and the keys alone: layers ask for some tokens of a
     * pass after the others.
     *
     * @param input the tokens that ask
     * @param keys its own keys of every token so far, [batch, keys, key width]
     * @return [batch, tokens, keys]
     */
    Tensor score(ScorerInput input, Tensor keys);

    /**
     * The same where the keys lie in a cache; scorers that need not widen all of them at once say how.
     *
     * @param input the tokens that ask, of one sequence
     * @param keys its own keys of every token so far, rows of key width
     * @return [1, tokens, rows]
     */
    default Tensor score(ScorerInput input, CacheRows keys) {
        return score(input, insertAxis(keys.tensor(Backend.of(input.x())), 0));
    }

    /** {@return its parameters; a layer lists them under {@code indexer}} */
    ParameterMap parameters();
}
