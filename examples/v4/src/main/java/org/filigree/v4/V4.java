package org.filigree.v4;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.ParameterFile;
import org.filigree.core.io.TensorSource;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Embedding;
import org.filigree.core.nn.EmbeddingConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.engram.NgramHash;
import org.filigree.mhc.HyperHead;
import org.filigree.mhc.Streams;
import org.jspecify.annotations.Nullable;

/**
 * The predicted DeepSeek-V4: token embeddings become n equal residual streams, blocks change them, a learned head joins them again, and
 * two prediction heads read the result. Parameters bear the names of the released V4 where it has them; {@code completion_norm} and
 * {@code completion_head} are the second head's.
 */
public final class V4 {
    private final V4Config config;
    private final Backend backend;
    private final Embedding embedding;
    private final @Nullable NgramHash hash;
    private final List<V4Block> blocks;
    private final HyperHead join;
    private final PredictionHead language;
    private final PredictionHead completion;

    private V4(
            V4Config config,
            Backend backend,
            Embedding embedding,
            @Nullable NgramHash hash,
            List<V4Block> blocks,
            HyperHead join,
            PredictionHead language,
            PredictionHead completion) {
        this.config = config;
        this.backend = backend;
        this.embedding = embedding;
        this.hash = hash;
        this.blocks = List.copyOf(blocks);
        this.join = join;
        this.language = language;
        this.completion = completion;
    }

    static V4 init(V4Config config, Backend backend, RandomStream random) {
        var parts = new V4Parts(config);
        var blocks = new ArrayList<V4Block>();
        for (int layer = 0; layer < config.layers(); layer++) {
            RandomStream own = random.fork("layers").fork(layer);
            blocks.add(new V4Block(
                    config.memory().layers().contains(layer)
                            ? parts.memory().init(backend, own.fork("engram"), layer)
                            : null,
                    parts.connections().init(backend, own.fork("hc_attn"), 2 * layer),
                    RmsNorm.init(backend, config.width(), config.normEps()),
                    parts.attention().init(backend, own.fork("attn")),
                    parts.connections().init(backend, own.fork("hc_ffn"), 2 * layer + 1),
                    RmsNorm.init(backend, config.width(), config.normEps()),
                    parts.experts().init(backend, own.fork("ffn"))));
        }
        return new V4(
                config,
                backend,
                EmbeddingConfig.of(config.vocabulary(), config.width()).init(backend, random.fork("embed")),
                config.memory().layers().isEmpty()
                        ? null
                        : parts.memory().hash().init(),
                blocks,
                parts.connections().initHead(backend),
                PredictionHead.init(config, backend, random.fork("head")),
                PredictionHead.init(config, backend, random.fork("completion_head")));
    }

    /**
     * Loads a trained model.
     *
     * @param folder holds config.json and model.safetensors
     * @param backend where it shall live
     * @return the model
     * @throws ModelException if config.json is missing or damaged
     * @throws org.filigree.core.io.SafetensorsException if the tensors are missing, damaged or do not fit
     */
    public static V4 load(Path folder, Backend backend) {
        V4 model = ConfigFile.read(folder).init(backend, RandomStream.of(0));
        try (TensorSource source = TensorSource.open(folder.resolve("model.safetensors"))) {
            ParameterFile.load(source, model.parameters());
        }
        return model;
    }

    /**
     * Hidden states, ready for a prediction head.
     *
     * @param ids INT32 [batch, tokens]
     * @param context training or inference; a {@link V4Cache} in it holds the tokens before
     * @return [batch, tokens, width]
     */
    public Tensor hidden(Tensor ids, Context context) {
        Context withIds = context.with(Context.TOKEN_IDS, ids);
        V4Cache cache = context.find(V4Cache.KEY).orElse(null);
        Context hashed = hash == null ? withIds : cache == null ? hash.prepare(withIds) : cache.hashed(withIds);
        Tensor x = Streams.expand(embedding.forward(ids), config.streams());
        for (int layer = 0; layer < blocks.size(); layer++) {
            x = blocks.get(layer).forward(x, cache == null ? hashed : cache.atLayer(layer, hashed));
        }
        return join.forward(x);
    }

    /**
     * Logits of the language-model head.
     *
     * @param ids INT32 [batch, tokens]
     * @param context as for {@link #hidden}
     * @return [batch, tokens, vocabulary]
     */
    public Tensor logits(Tensor ids, Context context) {
        return language.forward(hidden(ids, context));
    }

    /**
     * Reserves what decoding one sequence remembers.
     *
     * @param capacity longest sequence, in tokens
     * @return an empty cache, which the caller closes
     */
    public V4Cache cache(int capacity) {
        return V4Cache.of(new V4Parts(config).cache(capacity), hash);
    }

    /** {@return the head that continues text} */
    public PredictionHead language() {
        return language;
    }

    /** {@return the head that fills gaps, for sequences of prefix, suffix and middle} */
    public PredictionHead completion() {
        return completion;
    }

    /** {@return its sizes} */
    public V4Config config() {
        return config;
    }

    /** {@return where its parameters live} */
    public Backend backend() {
        return backend;
    }

    /** {@return every parameter by its path} */
    public ParameterMap parameters() {
        ParameterMap map = ParameterMap.empty().with("embed", embedding.parameters());
        for (int layer = 0; layer < blocks.size(); layer++) {
            map = map.with("layers." + layer, blocks.get(layer).parameters());
        }
        return map.with("", join.parameters("hc_head_"))
                .with("", language.parameters(""))
                .with("", completion.parameters("completion_"));
    }
}
