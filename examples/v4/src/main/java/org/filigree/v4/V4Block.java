package org.filigree.v4;

import org.filigree.attention.LatentAttention;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.tensor.Tensor;
import org.filigree.engram.Engram;
import org.filigree.mhc.HyperConnections;
import org.filigree.moe.Moe;
import org.jspecify.annotations.Nullable;

/**
 * One block: memory is added to the streams where the block has any, then attention and the mixture of experts run, each behind its own
 * normalisation and inside its own hyper-connections.
 *
 * @param memory Engram memory, or null
 * @param attentionConnections around attention
 * @param attentionNorm before attention
 * @param attention latent attention over selected keys
 * @param feedForwardConnections around the experts
 * @param feedForwardNorm before the experts
 * @param feedForward mixture of experts
 */
record V4Block(
        @Nullable Engram memory,
        HyperConnections attentionConnections,
        RmsNorm attentionNorm,
        LatentAttention attention,
        HyperConnections feedForwardConnections,
        RmsNorm feedForwardNorm,
        Moe feedForward)
        implements Layer {
    @Override
    public Tensor forward(Tensor streams, Context context) {
        Tensor x = memory == null ? streams : memory.addTo(streams, context);
        x = attentionConnections.apply(x, u -> attention.forward(attentionNorm.forward(u), context), context);
        return feedForwardConnections.apply(x, u -> feedForward.forward(feedForwardNorm.forward(u), context), context);
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map =
                memory == null ? ParameterMap.empty() : ParameterMap.empty().with("engram", memory.parameters());
        return map.with("", attentionConnections.parameters("hc_attn_"))
                .with("attn_norm", attentionNorm.parameters())
                .with("attn", attention.parameters())
                .with("", feedForwardConnections.parameters("hc_ffn_"))
                .with("ffn_norm", feedForwardNorm.parameters())
                .with("ffn", feedForward.parameters());
    }
}
