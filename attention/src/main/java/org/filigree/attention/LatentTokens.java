package org.filigree.attention;

import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.op.Slice.split;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Tensor;

/**
 * What the tokens of a pass are turned into.
 *
 * @param qContent content parts of queries, [batch, tokens, heads, content]
 * @param qRotary rotated parts of queries, [batch, tokens, heads, rotary]
 * @param latent normalised latents, [batch, tokens, latent]
 * @param rotaryKey rotated keys, [batch, tokens, rotary]
 * @param scorerInput what a scorer sees of them
 */
record LatentTokens(Tensor qContent, Tensor qRotary, Tensor latent, Tensor rotaryKey, ScorerInput scorerInput) {
    /**
     * The same before they have positions, which sequences of a batch need not share.
     *
     * @param head widths of a head
     * @param x activations, [batch, tokens, width]
     * @param queryLatent compressed queries, [batch, tokens, ·]
     * @param q both parts of queries, [batch, tokens, heads, query]
     * @param latent normalised latents, [batch, tokens, latent]
     * @param rotaryKey keys, [batch, tokens, rotary]
     */
    record Unrotated(HeadWidths head, Tensor x, Tensor queryLatent, Tensor q, Tensor latent, Tensor rotaryKey) {
        Unrotated sequence(int b) {
            return new Unrotated(
                    head,
                    slice(x, 0, b, b + 1),
                    slice(queryLatent, 0, b, b + 1),
                    slice(q, 0, b, b + 1),
                    slice(latent, 0, b, b + 1),
                    slice(rotaryKey, 0, b, b + 1));
        }

        /** A scorer gets its inputs cut off the graph. */
        LatentTokens rotated(Rotary.Table angles) {
            List<Tensor> parts = split(q, -1, head.content(), head.rotary());
            Tensor oneHead = insertAxis(rotaryKey, 2);
            return new LatentTokens(
                    parts.get(0),
                    angles.rotate(Pairing.INTERLEAVED, parts.get(1)),
                    latent,
                    reshape(angles.rotate(Pairing.INTERLEAVED, oneHead), rotaryKey.shape()),
                    new ScorerInput(Autograd.detach(x), Autograd.detach(queryLatent), angles));
        }
    }
}
