package org.filigree.attention.compressed;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.attention.All;
import org.filigree.attention.IndexerLoss;
import org.filigree.attention.Rounding;
import org.filigree.attention.ScoreListener;
import org.filigree.attention.TopK;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.Fp4Scale;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Affine;
import org.filigree.core.op.Arithmetic;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
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

    /** Both stages of training an indexer: the layer's own loss leaves it alone, and its loss leaves the layer alone. */
    @ParameterizedTest
    @EveryBackend
    void theListenerTrainsTheIndexerAndNothingElse(Backend backend) {
        CompressedAttention sparse = CompressedAttentionConfig.of(16, 2)
                .withCompression(
                        new Compression.Overlapping(4),
                        new EntryChoice.Scored(CompressedIndexerConfig.of(4, 16), TopK.of(2)))
                .init(backend, RandomStream.of(1));
        for (CompressedAttention layer : List.of(sparse.withSelector(new All()), sparse)) {
            IndexerLoss stage = layer == sparse ? IndexerLoss.sparse(2) : IndexerLoss.dense();
            Tensor x = Autograd.leaf(
                    Sample.gaussian("x", RandomStream.of(2), 2, 14, 16).on(backend));
            var heard = new ArrayList<ScoreListener.Heard>();
            Tensor silent = layer.forward(x, Context.training());
            Tensor y = layer.forward(x, Context.training().with(ScoreListener.KEY, heard::add));
            assertArrayEquals(silent.toFloats(), y.toFloats());
            Gradients own = Autograd.backward(stage.of(heard.getFirst()));
            Gradients other = Autograd.backward(y, backend.tensors().full(y.shape(), 1));
            assertFalse(own.find(x).isPresent());
            layer.parameters().forEach((path, parameter) -> {
                boolean indexer = path.startsWith("indexer.");
                assertEquals(indexer, own.find(parameter.value()).isPresent(), path);
                assertEquals(!indexer, other.find(parameter.value()).isPresent(), path);
            });
        }
    }

    @ParameterizedTest
    @EveryBackend
    void aFewStepsBringTheIndexerCloserToTheAttention(Backend backend) {
        CompressedAttention layer = CompressedAttentionConfig.of(16, 2)
                .withCompression(
                        new Compression.Overlapping(4),
                        new EntryChoice.Scored(CompressedIndexerConfig.of(4, 16), new All()))
                .init(backend, RandomStream.of(1));
        Tensor x = Sample.gaussian("x", RandomStream.of(2), 2, 40, 16).on(backend);
        double[] losses = new double[12];
        for (int step = 0; step < losses.length; step++) {
            var heard = new ArrayList<ScoreListener.Heard>();
            layer.forward(x, Context.training().with(ScoreListener.KEY, heard::add));
            Tensor loss = IndexerLoss.dense().of(heard.getFirst());
            losses[step] = loss.item();
            Gradients gradients = Autograd.backward(loss);
            layer.parameters()
                    .forEach((_, parameter) -> gradients
                            .find(parameter.value())
                            .ifPresent(gradient -> parameter.assign(Autograd.detach(
                                    Arithmetic.subtract(parameter.value(), Affine.scale(gradient, 0.5))))));
        }
        assertTrue(losses[losses.length - 1] < 0.9 * losses[0], losses[0] + " to " + losses[losses.length - 1]);
    }

    /** Loops of this backend give each row the same bits whatever the other rows, so nothing can round to the other side. */
    @Test
    void aCacheThatRoundsGivesTheSameInAnyDivision() {
        var sizes = new SharedHeadConfig(8, 2, 34, 2, 5, 1, 4, SharedHeadConfig.QueryNorm.PER_HEAD, 1e-6);
        CompressedAttentionConfig config = CompressedAttentionConfig.of(16, 2)
                .withHead(sizes)
                .withWindow(5)
                .withCompression(
                        new Compression.Overlapping(4),
                        new EntryChoice.Scored(
                                CompressedIndexerConfig.of(4, 32).withRounding(new Rounding.Fp4(Fp4Scale.E8M0)),
                                TopK.of(2)))
                .withRounding(new KeyValueRounding(
                        Rounding.Fp8.of(32), Rounding.Fp8.of(32), KeyValueRounding.Channels.CONTENT));
        CompressedAttention layer = config.init(scalar, RandomStream.of(1));
        Tensor x = Sample.gaussian("x", RandomStream.of(2), 1, 23, 8).on(scalar);
        Tensor whole = layer.forward(x, Context.inference());
        Tensor exact = config.withRounding(KeyValueRounding.none())
                .init(scalar, RandomStream.of(1))
                .forward(x, Context.inference());
        assertFalse(Arrays.equals(exact.toFloats(), whole.toFloats()));
        try (KvCache cache = config.cacheLayout().init(23)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            for (int t = 0; t < 23; t++) {
                Tensor step = layer.forward(Slice.slice(x, 1, t, t + 1), context);
                assertClose(
                        "token " + t,
                        Slice.slice(whole, 1, t, t + 1),
                        step,
                        Tolerance.float32(64).times(8));
            }
            Tensor keys = cache.view(CompressedAttention.WINDOW, scalar);
            Tensor content = Slice.slice(keys, 1, 0, 32);
            assertArrayEquals(
                    content.toFloats(), Rounding.Fp8.of(32).round(content).toFloats());
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
