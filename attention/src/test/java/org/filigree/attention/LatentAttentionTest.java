package org.filigree.attention;

import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.nn.Initializer;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheMemory;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SequenceCache;
import org.filigree.kvcache.TiledRows;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LatentAttentionTest {
    private final Backend scalar = TestBackends.get("scalar");

    private LatentAttention small() {
        return LatentAttentionConfig.of(16, 2).withSelector(TopK.of(3)).init(scalar, RandomStream.of(3));
    }

    private Tensor tokens(int batch, int tokens) {
        float[] values = new float[batch * tokens * 16];
        RandomStream.of(batch * 100L + tokens).fillGaussian(values);
        return scalar.tensors().floats(Shape.of(batch, tokens, 16), values);
    }

    /** The files hold float64 results of an independent implementation; DESIGN.md says how they were made. */
    @ParameterizedTest
    @EveryBackend
    void agreesWithAnIndependentImplementation(Backend backend) {
        for (String name : List.of("dense", "sparse")) {
            for (LatentForm form : LatentForm.values()) {
                try (SafetensorsFile file = SafetensorsFile.open(Path.of(
                        System.getProperty("basedir", ""),
                        "src",
                        "test",
                        "resources",
                        "latent-attention",
                        name + ".safetensors"))) {
                    agrees(name + " " + form, backend, file, form);
                }
            }
        }
    }

    private static void agrees(String label, Backend backend, SafetensorsFile file, LatentForm form) {
        LatentAttention attention = config(file).withForm(form).init(backend, RandomStream.of(0));
        attention
                .parameters()
                .forEach((path, parameter) ->
                        parameter.assign(Conformance.sample(file, path).on(backend)));
        Tensor x = Autograd.leaf(Conformance.sample(file, "x").on(backend));
        Tensor y = attention.forward(x, Context.training());
        Tolerance tolerance = Tolerance.of(backend, 64).times(4).or(Tolerance.float32(1));
        assertClose(label + " output", Conformance.sample(file, "output").on(backend), y, tolerance);
        Gradients gradients =
                Autograd.backward(y, Conformance.sample(file, "upstream").on(backend));
        assertClose(label + " dx", Conformance.sample(file, "grad.x").on(backend), gradients.of(x), tolerance);
        attention.parameters().forEach((path, parameter) -> {
            if (path.startsWith("indexer.")) {
                assertFalse(gradients.find(parameter.value()).isPresent(), path);
            } else {
                assertClose(
                        label + " d " + path,
                        Conformance.sample(file, "grad." + path).on(backend),
                        gradients.of(parameter.value()),
                        tolerance);
            }
        });
        assertEquals(
                file.names().stream()
                        .filter(n -> !n.matches("grad.*|x|upstream|output"))
                        .toList(),
                attention.parameters().asMap().keySet().stream().toList());
    }

    private static LatentAttentionConfig config(SafetensorsFile file) {
        var yarn = new Frequencies.Yarn(
                Conformance.number(file, "rope_theta"),
                integer(file, "original_max_position_embeddings"),
                Conformance.number(file, "factor"),
                Conformance.number(file, "beta_fast"),
                Conformance.number(file, "beta_slow"));
        LatentAttentionConfig dense = new LatentAttentionConfig(
                integer(file, "hidden_size"),
                integer(file, "num_attention_heads"),
                new HeadWidths(
                        integer(file, "qk_nope_head_dim"),
                        integer(file, "qk_rope_head_dim"),
                        integer(file, "v_head_dim")),
                new QueryProjection.Compressed(integer(file, "q_lora_rank")),
                integer(file, "kv_lora_rank"),
                yarn,
                new LogitScale.YarnSquared(Conformance.number(file, "mscale")),
                Conformance.number(file, "rms_norm_eps"),
                LatentForm.CHEAPER,
                SelectionConfig.dense(),
                Sinks.NONE);
        return file.metadata().containsKey("index_topk")
                ? dense.withScorer(IndexerConfig.of(integer(file, "index_n_heads"), integer(file, "index_head_dim")))
                        .withSelector(TopK.of(integer(file, "index_topk")))
                : dense;
    }

    private static int integer(SafetensorsFile file, String key) {
        return (int) Conformance.number(file, key);
    }

    @Test
    void releasedScaleOfDeepSeekV3() {
        LatentAttentionConfig v3 = LatentAttentionConfig.deepSeekV3();
        double scale = v3.logitScale().of(v3.head().query(), v3.frequencies());
        assertEquals(0.1352337789, scale, 1e-9);
        assertEquals(1 / Math.sqrt(192), new LogitScale.InverseRoot().of(192, v3.frequencies()), 1e-15);
        assertEquals(1 / Math.sqrt(192), new LogitScale.YarnSquared(1).of(192, new Frequencies.Plain(10000)), 1e-15);
    }

    @Test
    void releasedSizes() {
        LatentAttentionConfig v3 = LatentAttentionConfig.deepSeekV3();
        assertEquals(576, v3.rowLayout().width());
        assertEquals(576 + 128, LatentAttentionConfig.deepSeekV32().rowLayout().width());
        long v3Weights = 1536L * 7168 + 1536 + 24576L * 1536 + 576L * 7168 + 512 + 32768L * 512 + 7168L * 16384;
        assertEquals(v3Weights, v3.parameterCount());
        assertEquals(
                v3Weights + 8192L * 1536 + 128L * 7168 + 256 + 64L * 7168,
                LatentAttentionConfig.deepSeekV32().parameterCount());
    }

    @Test
    void parameterCountIsWhatIsBuilt() {
        for (LatentAttentionConfig config : List.of(
                LatentAttentionConfig.of(16, 2),
                LatentAttentionConfig.of(24, 3).withSelector(TopK.of(2)),
                LatentAttentionConfig.of(16, 4).withQuery(new QueryProjection.Direct()),
                LatentAttentionConfig.of(16, 4).withSinks(Sinks.LEARNED),
                LatentAttentionConfig.of(7, 7).withLatent(3).withHead(new HeadWidths(3, 4, 5)))) {
            LatentAttention layer = config.init(scalar, RandomStream.of(1));
            assertEquals(config.parameterCount(), layer.parameters().elements(), config.toString());
        }
    }

    @Test
    void defaultsOfTheDesignPage() {
        LatentAttentionConfig config = LatentAttentionConfig.of(512, 8).withSelector(TopK.of(256));
        assertEquals(new HeadWidths(64, 32, 64), config.head());
        assertEquals(256, config.latent());
        assertEquals(IndexerConfig.of(4, 64), config.selection().scorer());
        assertEquals(
                new IndexerConfig(64, 128, 1e-6, new Rounding.None()),
                LatentAttentionConfig.deepSeekV32().selection().scorer());
    }

    @Test
    void fp8StorageIsThatOfTheReleasedModelWhereSizesAre() {
        LatentAttentionConfig released = LatentAttentionConfig.deepSeekV32();
        assertEquals(
                RowStorage.float32(released.rowLayout())
                        .with(TiledRows.V32_FP8_SPARSE, LatentAttention.LATENT, LatentAttention.ROTARY_KEY)
                        .with(TiledRows.fp8IndexKeys(128), LatentAttention.SCORER_KEY),
                released.fp8Storage());
        assertEquals(
                List.of(new RowStorage.Plane(
                        LatentAttentionConfig.deepSeekV3().rowLayout().parts(), TiledRows.V32_FP8_SPARSE)),
                LatentAttentionConfig.deepSeekV3().fp8Storage().planes());
    }

    /** Widths that 128 does not divide, down to a prime and one. */
    @ParameterizedTest
    @CsvSource({"1,1", "96,96", "127,127", "130,65", "131,1", "192,96", "256,128"})
    void fp8StorageFindsATileForEveryLatent(int latent, int tile) {
        LatentAttentionConfig config =
                LatentAttentionConfig.of(16, 2).withLatent(latent).withSelector(TopK.of(3));
        assertEquals(
                TiledRows.fp8(latent, 4, tile),
                config.fp8Storage().planes().getFirst().format());
        LatentAttention attention = config.init(scalar, RandomStream.of(3));
        try (SequenceCache sequence =
                KvCacheConfig.of(8, 1, attention.fp8Storage()).init()) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.layer(List.of(sequence), 0));
            assertEquals(
                    Shape.of(1, 5, 16), attention.forward(tokens(1, 5), context).shape());
        }
    }

    @Test
    void parametersCarryReleasedNames() {
        assertEquals(
                List.of(
                        "q_a_proj.weight",
                        "q_a_layernorm.weight",
                        "q_b_proj.weight",
                        "kv_a_proj_with_mqa.weight",
                        "kv_a_layernorm.weight",
                        "kv_b_proj.weight",
                        "o_proj.weight",
                        "indexer.wq_b.weight",
                        "indexer.wk.weight",
                        "indexer.k_norm.weight",
                        "indexer.k_norm.bias",
                        "indexer.weights_proj.weight"),
                List.copyOf(small().parameters().asMap().keySet()));
        assertTrue(LatentAttentionConfig.of(16, 2)
                .withQuery(new QueryProjection.Direct())
                .init(scalar, RandomStream.of(1))
                .parameters()
                .asMap()
                .containsKey("q_proj.weight"));
    }

    @Test
    void theListenerTrainsTheIndexerAndNothingElse() {
        LatentAttention attention = small();
        for (LatentAttention layer : List.of(attention.withSelector(new All()), attention)) {
            var heard = new ArrayList<ScoreListener.Heard>();
            Tensor x = Autograd.leaf(tokens(2, 6));
            Tensor silent = layer.forward(x, Context.training());
            Tensor y = layer.forward(x, Context.training().with(ScoreListener.KEY, heard::add));
            assertArrayEquals(silent.toFloats(), y.toFloats());
            assertEquals(1, heard.size());
            Gradients gradients = Autograd.backward(IndexerLoss.sparse(3).of(heard.getFirst()));
            assertFalse(gradients.find(x).isPresent());
            attention
                    .parameters()
                    .forEach((path, parameter) -> assertEquals(
                            path.startsWith("indexer."),
                            gradients.find(parameter.value()).isPresent(),
                            path));
        }
    }

    @Test
    void aFewLinesReplaceTheSelector() {
        Selector lastTwo = (scores, visibility) -> {
            int[] chosen = new int[scores.dim(0) * scores.dim(1) * 2];
            for (int row = 0; row < chosen.length / 2; row++) {
                int last = visibility.keys(row % scores.dim(1)) - 1;
                chosen[2 * row] = last;
                chosen[2 * row + 1] = last - 1;
            }
            return Backend.of(scores).tensors().ints(Shape.of(scores.dim(0), scores.dim(1), 2), chosen);
        };
        LatentAttention attention = small().withSelector(lastTwo);
        Tensor x = tokens(1, 6);
        float[] whole = attention.forward(x, Context.inference()).toFloats();
        float[] changed = x.toFloats();
        for (int i = 0; i < 4 * 16; i++) {
            changed[i] += 1;
        }
        float[] other = attention
                .forward(scalar.tensors().floats(x.shape(), changed), Context.inference())
                .toFloats();
        for (int i = 5 * 16; i < 6 * 16; i++) {
            assertEquals(whole[i], other[i], 1e-6, "token 5 sees tokens 4 and 5 alone");
        }
    }

    @Test
    void refusesWhatItCannotDo() {
        LatentAttention attention = small();
        Context inference = Context.inference();
        assertThrows(
                ShapeException.class, () -> attention.forward(scalar.tensors().zeros(Shape.of(1, 2, 15)), inference));
        assertThrows(
                ShapeException.class, () -> attention.forward(scalar.tensors().zeros(Shape.of(2, 16)), inference));
        String ids = Thrown.message(
                ShapeException.class,
                () -> attention.forward(scalar.tensors().ints(Shape.of(1, 2), new int[2]), inference));
        assertTrue(ids.contains("[1, 2] is INT32") && ids.contains("Embedding"), ids);
        assertThrows(IllegalArgumentException.class, () -> LatentAttentionConfig.of(15, 2));
        assertThrows(IllegalArgumentException.class, () -> new HeadWidths(4, 3, 4));
        assertThrows(IllegalArgumentException.class, () -> IndexerConfig.of(4, 48));
        assertThrows(
                IllegalArgumentException.class,
                () -> LatentAttentionConfig.of(16, 1)
                        .withScorer(IndexerConfig.of(4, 4))
                        .init(scalar, RandomStream.of(1)));
        assertThrows(
                IllegalArgumentException.class,
                () -> LatentAttentionConfig.of(16, 2)
                        .init(scalar, RandomStream.of(1))
                        .withSelector(TopK.of(2)));
        try (KvCache cache = new ContiguousKvCache(attention.rowLayout(), 4);
                KvCache foreign =
                        new ContiguousKvCache(LatentAttentionConfig.of(16, 2).rowLayout(), 4)) {
            Context cached = inference.with(CacheBatch.KEY, CacheBatch.of(cache));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> attention.forward(
                            tokens(1, 2), Context.training().with(CacheBatch.KEY, CacheBatch.of(cache))));
            String few = Thrown.message(KvCacheException.class, () -> attention.forward(tokens(2, 2), cached));
            assertTrue(few.contains("has 2 sequences but the context has caches for 1; give one for each"), few);
            assertThrows(KvCacheException.class, () -> attention.forward(tokens(1, 2), cached.at(1)));
            assertThrows(KvCacheException.class, () -> attention.forward(tokens(1, 5), cached));
            assertThrows(
                    KvCacheException.class,
                    () -> attention.forward(tokens(1, 2), inference.with(CacheBatch.KEY, CacheBatch.of(foreign))));
            assertEquals(0, cache.length());
        }
    }

    @Test
    void noTokensGiveNoTokens() {
        LatentAttention attention = small();
        assertEquals(
                Shape.of(2, 0, 16),
                attention.forward(tokens(2, 0), Context.inference()).shape());
        assertEquals(
                Shape.of(0, 3, 16),
                attention.forward(tokens(0, 3), Context.inference()).shape());
    }

    @ParameterizedTest
    @EveryBackend
    void theReadmeExample(Backend backend) {
        LatentAttention attention =
                LatentAttentionConfig.of(64, 4).withSelector(TopK.of(8)).init(backend, RandomStream.of(42));
        Tensor x = Initializer.normal(1).draw(backend, Shape.of(1, 20, 64), RandomStream.of(7));

        Tensor whole = attention.forward(x, Context.inference());
        try (SequenceCache sequence =
                KvCacheConfig.of(128, 1, attention.rowLayout()).init()) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.layer(List.of(sequence), 0));
            attention.forward(slice(x, 1, 0, 19), context);
            Tensor last = attention.forward(slice(x, 1, 19, 20), context);
            assertClose(
                    "last token",
                    slice(whole, 1, 19, 20),
                    last,
                    Tolerance.float32(64).times(8));
            assertEquals(new CacheMemory(128 * 224, 20 * 224), sequence.memory());
        }
    }
}
