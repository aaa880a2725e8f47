package org.filigree.v4;

import org.filigree.attention.HeadWidths;
import org.filigree.attention.IndexerConfig;
import org.filigree.attention.LatentAttentionConfig;
import org.filigree.attention.QueryProjection;
import org.filigree.attention.SelectionConfig;
import org.filigree.attention.TopK;
import org.filigree.core.nn.Frequencies;
import org.filigree.engram.Convolution;
import org.filigree.engram.EngramConfig;
import org.filigree.engram.NgramHashConfig;
import org.filigree.engram.VocabularyCompression;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.mhc.HyperConnectionsConfig;
import org.filigree.mhc.Mixing;
import org.filigree.moe.MoeConfig;
import org.filigree.moe.Scoring;
import org.filigree.moe.TopKRouting;

/**
 * The configurations of the blocks that a model is made of.
 *
 * @param config sizes of the model
 */
record V4Parts(V4Config config) {
    HyperConnectionsConfig connections() {
        Mixing mixing = config.streams() == 1 ? Mixing.residual() : Mixing.sinkhorn(config.sinkhornIterations());
        return HyperConnectionsConfig.of(config.streams(), config.width(), mixing)
                .withNormEps(config.normEps());
    }

    LatentAttentionConfig attention() {
        AttentionSizes sizes = config.attention();
        LatentAttentionConfig base = LatentAttentionConfig.of(sizes.heads(), sizes.heads());
        return new LatentAttentionConfig(
                config.width(),
                sizes.heads(),
                new HeadWidths(sizes.nopeDim(), sizes.ropeDim(), sizes.valueDim()),
                new QueryProjection.Compressed(sizes.queryRank()),
                sizes.latentRank(),
                new Frequencies.Plain(sizes.ropeBase()),
                base.logitScale(),
                config.normEps(),
                base.form(),
                new SelectionConfig(
                        IndexerConfig.of(sizes.indexHeads(), sizes.indexDim()),
                        TopK.of(sizes.selected()),
                        base.selection().attention()),
                base.sinks());
    }

    MoeConfig experts() {
        ExpertSizes sizes = config.experts();
        return MoeConfig.of(config.width(), sizes.routed())
                .withRouting(TopKRouting.of(sizes.chosen(), Scoring.SIGMOID))
                .withHidden(sizes.hidden())
                .withShared(sizes.shared());
    }

    /** Token 0 stands for what is before the first token. */
    EngramConfig memory() {
        MemorySizes sizes = config.memory();
        var hash = NgramHashConfig.of(
                VocabularyCompression.identity(config.vocabulary()),
                sizes.longest(),
                sizes.heads(),
                sizes.rows(),
                0,
                sizes.layers().toArray(Integer[]::new));
        return EngramConfig.of(config.width(), sizes.headWidth(), hash)
                .withStreams(config.streams())
                .withConvolution(Convolution.ofKernel(4, sizes.longest()))
                .withEps(config.normEps());
    }

    KvCacheConfig cache(int capacity) {
        return KvCacheConfig.of(capacity, config.layers(), attention().rowLayout());
    }
}
