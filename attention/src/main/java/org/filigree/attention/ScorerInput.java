package org.filigree.attention;

import static org.filigree.core.op.Slice.slice;

import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Tensor;

/**
 * What a scorer sees of the tokens of a pass.
 *
 * @param x activations [batch, tokens, width]
 * @param queryLatent compressed queries [batch, tokens, query latent], the activations where queries are not compressed
 * @param angles rotation of each token's position, as the attention itself uses it
 */
public record ScorerInput(Tensor x, Tensor queryLatent, Rotary.Table angles) {
    /**
     * Some neighbouring tokens of every sequence.
     *
     * @param from first token
     * @param to token behind the last
     * @return what a scorer sees of them
     */
    public ScorerInput tokens(int from, int to) {
        return new ScorerInput(slice(x, 1, from, to), slice(queryLatent, 1, from, to), angles.positions(from, to));
    }
}
