package org.filigree.v4;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;

/**
 * The DeepSeek-V4 that was predicted before its release: manifold-constrained hyper-connections around every sub-layer, latent
 * attention over selected keys, Engram memory before some blocks, and a mixture of experts in every block.
 *
 * @param vocabulary number of token ids
 * @param width width of a residual stream
 * @param layers number of blocks
 * @param streams residual streams, 1…8
 * @param sinkhornIterations iterations that make the mix of streams doubly stochastic
 * @param attention sizes of attention
 * @param experts sizes of the mixture of experts
 * @param memory sizes of the Engram memory
 * @param context tokens that the model is made for
 * @param normEps added to mean squares before their root
 */
public record V4Config(
        int vocabulary,
        int width,
        int layers,
        int streams,
        int sinkhornIterations,
        AttentionSizes attention,
        ExpertSizes experts,
        MemorySizes memory,
        int context,
        double normEps) {
    /** Checks the sizes. */
    public V4Config {
        Check.positive("v4: vocabulary", vocabulary);
        Check.positive("v4: width", width);
        Check.positive("v4: layers", layers);
        Check.between("v4: streams", streams, 1, 8);
        Check.positive("v4: sinkhorn iterations", sinkhornIterations);
        Check.positive("v4: context", context);
        Check.positive("v4: norm eps", normEps);
        for (int layer : memory.layers()) {
            Check.between("v4: memory layer", layer, 0, layers - 1);
        }
        if (memory.layers().stream().distinct().count() != memory.layers().size()) {
            throw new IllegalArgumentException("v4: memory layers " + memory.layers() + " name a layer twice");
        }
    }

    /** Sizes that are ready to use. */
    public enum Preset {
        /** About 5 million parameters, most of them memory; learns source code in minutes on two cores. */
        TINY,
        /** About 20 million parameters. */
        SMALL,
        /** The predicted model itself: 40 layers, 40 heads of 512, 70 experts of which 16 are chosen, a million tokens. */
        FULL
    }

    /**
     * The predicted model in one of its sizes. The small ones speak bytes, for source code.
     *
     * @param preset which size
     * @return the configuration
     */
    public static V4Config predicted(Preset preset) {
        return switch (preset) {
            case TINY ->
                new V4Config(
                        261,
                        128,
                        4,
                        4,
                        20,
                        new AttentionSizes(4, 96, 64, 32, 16, 32, 2, 32, 64, 10_000),
                        new ExpertSizes(8, 2, 1, 128),
                        new MemorySizes(List.of(0, 2), 4, 4, 16, 8192),
                        256,
                        1e-6);
            case SMALL ->
                new V4Config(
                        261,
                        256,
                        8,
                        4,
                        20,
                        new AttentionSizes(8, 192, 128, 32, 32, 32, 8, 64, 256, 10_000),
                        new ExpertSizes(16, 4, 1, 128),
                        new MemorySizes(List.of(1, 4), 4, 4, 16, 8192),
                        1024,
                        1e-6);
            case FULL ->
                new V4Config(
                        129_280,
                        5120,
                        40,
                        4,
                        20,
                        new AttentionSizes(40, 1536, 512, 448, 64, 512, 64, 128, 2048, 10_000),
                        new ExpertSizes(70, 16, 2, 2048),
                        new MemorySizes(List.of(2, 8, 15, 25), 3, 8, 160, 2_262_400),
                        1_048_576,
                        1e-6);
        };
    }

    /**
     * The same model for source code: six streams, and n-grams up to four tokens.
     *
     * @return a new configuration
     */
    public V4Config forCode() {
        return withStreams(6)
                .withMemory(new MemorySizes(memory.layers(), 4, memory.heads(), memory.headWidth(), memory.rows()));
    }

    /**
     * The same with another number of streams.
     *
     * @param count residual streams, 1…8
     * @return a new configuration
     */
    public V4Config withStreams(int count) {
        return new V4Config(
                vocabulary, width, layers, count, sinkhornIterations, attention, experts, memory, context, normEps);
    }

    /**
     * The same with another number of blocks; memory layers beyond them are left out.
     *
     * @param count number of blocks
     * @return a new configuration
     */
    public V4Config withLayers(int count) {
        List<Integer> kept =
                memory.layers().stream().filter(layer -> layer < count).toList();
        var fewer = new MemorySizes(kept, memory.longest(), memory.heads(), memory.headWidth(), memory.rows());
        return new V4Config(
                vocabulary, width, count, streams, sinkhornIterations, attention, experts, fewer, context, normEps);
    }

    /**
     * The same with another memory.
     *
     * @param sizes sizes of the memory
     * @return a new configuration
     */
    public V4Config withMemory(MemorySizes sizes) {
        return new V4Config(
                vocabulary, width, layers, streams, sinkhornIterations, attention, experts, sizes, context, normEps);
    }

    /**
     * The same with other attention.
     *
     * @param sizes sizes of attention
     * @return a new configuration
     */
    public V4Config withAttention(AttentionSizes sizes) {
        return new V4Config(
                vocabulary, width, layers, streams, sinkhornIterations, sizes, experts, memory, context, normEps);
    }

    /**
     * The same with other experts.
     *
     * @param sizes sizes of the mixture of experts
     * @return a new configuration
     */
    public V4Config withExperts(ExpertSizes sizes) {
        return new V4Config(
                vocabulary, width, layers, streams, sinkhornIterations, attention, sizes, memory, context, normEps);
    }

    /**
     * The same made for another context.
     *
     * @param tokens tokens that the model is made for
     * @return a new configuration
     */
    public V4Config withContext(int tokens) {
        return new V4Config(
                vocabulary, width, layers, streams, sinkhornIterations, attention, experts, memory, tokens, normEps);
    }

    /** {@return what this model costs, without building it} */
    public CostAccount cost() {
        return CostAccount.of(this);
    }

    /**
     * Builds the model.
     *
     * @param backend where its parameters live
     * @param random draws them
     * @return the model
     */
    public V4 init(Backend backend, RandomStream random) {
        return V4.init(this, backend, random);
    }
}
