package org.filigree.attention.compressed;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class CompressedAttentionTest {
    private static final Tolerance TOLERANCE = Tolerance.relative(1e-5);

    private final Backend scalar = TestBackends.get("scalar");

    @ParameterizedTest
    @EveryBackend
    void agreesWithAnIndependentImplementation(Backend backend) {
        for (String name : Golden.V4) {
            try (SafetensorsFile file = Golden.open(name)) {
                CompressedAttention attention = Golden.config(file).init(backend, RandomStream.of(0));
                attention
                        .parameters()
                        .forEach((path, parameter) ->
                                parameter.assign(Conformance.sample(file, path).on(backend)));
                Tensor x = Autograd.leaf(Conformance.sample(file, "x").on(backend));
                Tensor y = attention.forward(x, Context.training());
                assertClose(name + " output", Conformance.sample(file, "output").on(backend), y, TOLERANCE);
                Gradients gradients = Autograd.backward(
                        y, Conformance.sample(file, "upstream").on(backend));
                assertClose(name + " dx", Conformance.sample(file, "grad.x").on(backend), gradients.of(x), TOLERANCE);
                attention.parameters().forEach((path, parameter) -> {
                    if (path.startsWith("indexer.")) {
                        assertFalse(gradients.find(parameter.value()).isPresent(), path);
                    } else {
                        assertClose(
                                name + " d " + path,
                                Conformance.sample(file, "grad." + path).on(backend),
                                gradients.of(parameter.value()),
                                TOLERANCE);
                    }
                });
                assertEquals(
                        file.names().stream()
                                .filter(n -> !n.matches("grad.*|x|upstream|output"))
                                .toList(),
                        attention.parameters().asMap().keySet().stream().toList());
            }
        }
    }

    @Test
    void plainLoopsAgreeWithAnIndependentImplementation() {
        for (String name : Golden.V4) {
            try (SafetensorsFile file = Golden.open(name)) {
                Map<String, double[]> weights = new LinkedHashMap<>();
                file.names().forEach(n -> weights.put(n, file.tensor(n).toDoubles()));
                var naive = new NaiveCompressedAttention(Golden.config(file), weights);
                int width = Golden.integer(file, "hidden_size");
                int tokens = (int) file.tensor("x").shape()[1];
                double[] x = file.tensor("x").toDoubles();
                double[] output = new double[x.length];
                for (int b = 0; b < x.length / width / tokens; b++) {
                    double[][] one = naive.forward(Rows.of(x, b * tokens, tokens, width));
                    for (int t = 0; t < tokens; t++) {
                        System.arraycopy(one[t], 0, output, (b * tokens + t) * width, width);
                    }
                }
                // The file was rounded to float32, its angles' cosines too.
                assertClose(name, file.tensor("output").toDoubles(), output, Tolerance.relative(1e-6));
            }
        }
    }

    @Test
    void releasedSizes() {
        CompressedAttentionConfig flash = CompressedAttentionConfig.deepSeekV4Flash();
        assertEquals(512 + 4 * 512 + 4 * 128, flash.cacheLayout().tokens().width());
        assertEquals(512 + 128, new RowLayout(flash.cacheLayout().entries()).width());
        assertEquals(512 + 2 * 512, flash.withRatio(128).cacheLayout().tokens().width());
        assertEquals(512, new RowLayout(flash.withRatio(128).cacheLayout().entries()).width());
        assertEquals(512, flash.withRatio(0).cacheLayout().tokens().width());
        long head = 1024L * 4096 + 1024 + 32768L * 1024 + 512L * 4096 + 512 + 64 + 8192L * 4096 + 4096L * 8192;
        assertEquals(head, flash.withRatio(0).parameterCount());
        assertEquals(
                head + 2 * 512L * 4096 + 128 * 512 + 512, flash.withRatio(128).parameterCount());
        assertEquals(
                head
                        + 2 * 1024L * 4096
                        + 4 * 1024
                        + 512
                        + 64 * 128L * 1024
                        + 64L * 4096
                        + 2 * 256L * 4096
                        + 4 * 256
                        + 128,
                flash.parameterCount());
    }

    @Test
    void parameterCountIsWhatIsBuilt() {
        for (CompressedAttentionConfig config :
                CompressedAttentionConfig.of(16, 2).withRatios(0, 4, 128, 3, 1)) {
            CompressedAttention layer = config.init(scalar, RandomStream.of(1));
            assertEquals(config.parameterCount(), layer.parameters().elements(), config.toString());
        }
    }

    @Test
    void aPatternOfRatiosGivesEachLayerItsKind() {
        List<CompressedAttentionConfig> layers =
                CompressedAttentionConfig.deepSeekV4Flash().withRatios(0, 4, 128);
        assertEquals(new Compression.None(), layers.get(0).compression());
        assertEquals(new Compression.Overlapping(4), layers.get(1).compression());
        assertTrue(layers.get(1).choice() instanceof EntryChoice.Scored);
        assertEquals(new Compression.Disjoint(128), layers.get(2).compression());
        assertEquals(new EntryChoice.Every(), layers.get(2).choice());
    }

    @Test
    void aFailedPassLeavesTheCacheAsItWas() {
        CompressedAttentionConfig config = CompressedAttentionConfig.of(16, 2);
        CompressedAttention layer = config.init(scalar, RandomStream.of(1));
        try (KvCache cache = config.cacheLayout().init(9)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            layer.forward(scalar.tensors().zeros(Shape.of(1, 5, 16)), context);
            String full = Thrown.message(
                    KvCacheException.class, () -> layer.forward(scalar.tensors().zeros(Shape.of(1, 5, 16)), context));
            assertTrue(full.contains("9"), full);
            assertEquals(5, cache.length());
            assertEquals(1, cache.view(CompressedAttention.ENTRIES, scalar).dim(0));
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        CompressedAttentionConfig config = CompressedAttentionConfig.of(16, 2);
        CompressedAttention layer = config.init(scalar, RandomStream.of(1));
        Tensor x = scalar.tensors().zeros(Shape.of(1, 5, 16));
        String noCache = Thrown.message(
                IllegalArgumentException.class,
                () -> layer.forward(x, Context.inference().at(3)));
        assertTrue(noCache.contains("position 3") && noCache.contains("CacheBatch"), noCache);
        try (KvCache plain =
                new ContiguousKvCache(config.withRatio(0).cacheLayout().tokens(), 9)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(plain));
            Thrown.message(RuntimeException.class, () -> layer.forward(x, context));
            assertEquals(0, plain.length());
        }
    }
}
