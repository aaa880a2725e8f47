package org.filigree.attention;

import org.filigree.core.tensor.Tensor;

/**
 * What attention gives: enough to join it with attention over other keys.
 *
 * @param output [batch, tokens, heads, value width]; zeros for a query without keys
 * @param logSumExp log Σ exp(logit) over the chosen keys, [batch, tokens, heads], natural logarithm, without the sink; −∞ for a
 *     query without keys
 */
public record Attended(Tensor output, Tensor logSumExp) {}
