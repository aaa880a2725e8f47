package org.filigree.attention;

import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Tensor;

/**
 * What a scorer sees of the tokens of a pass.
 *
 * @param x activations [batch, tokens, width]
 * @param queryLatent compressed queries [batch, tokens, query latent], the activations where queries are not compressed
 * @param angles rotation of each token's position, as the attention itself uses it
 */
public record ScorerInput(Tensor x, Tensor queryLatent, Rotary.Table angles) {}
