package org.filigree.attention.compressed;

import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.filigree.attention.IndexerLoss;
import org.filigree.attention.ScoreListener;
import org.filigree.attention.TopBlocks;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Initializer;
import org.filigree.core.op.Arithmetic;
import org.filigree.core.op.Reduce;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCache;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SourcedAttentionTest {
    private static final Tolerance TOLERANCE = Tolerance.relative(1e-5);

    private final Backend scalar = TestBackends.get("scalar");

    @ParameterizedTest
    @EveryBackend
    void agreesWithAnIndependentImplementation(Backend backend) {
        try (SafetensorsFile file = Golden.open("sourced")) {
            List<SourcedAttention> layers = layers(file, backend);
            Context context = Context.training().with(Sources.KEY, new Sources());
            var inputs = new ArrayList<Tensor>();
            Tensor loss = backend.tensors().zeros(Shape.of());
            for (int l = 0; l < layers.size(); l++) {
                Tensor x = Autograd.leaf(Conformance.sample(file, "x." + l).on(backend));
                Tensor y = layers.get(l).forward(x, context);
                assertClose(
                        "output " + l, Conformance.sample(file, "output." + l).on(backend), y, TOLERANCE);
                Tensor upstream = Conformance.sample(file, "upstream." + l).on(backend);
                loss = Arithmetic.add(loss, Reduce.sum(Arithmetic.multiply(y, upstream)));
                inputs.add(x);
            }
            Gradients gradients = Autograd.backward(loss);
            Set<String> names = new TreeSet<>();
            for (int l = 0; l < layers.size(); l++) {
                assertClose(
                        "dx " + l,
                        Conformance.sample(file, "grad.x." + l).on(backend),
                        gradients.of(inputs.get(l)),
                        TOLERANCE);
                String prefix = "layers." + l + ".attn.";
                layers.get(l).parameters().forEach((path, parameter) -> {
                    names.add(prefix + path);
                    if (path.startsWith("indexer.")) {
                        assertFalse(gradients.find(parameter.value()).isPresent(), path);
                    } else {
                        assertClose(
                                "d " + prefix + path,
                                Conformance.sample(file, "grad." + prefix + path)
                                        .on(backend),
                                gradients.of(parameter.value()),
                                TOLERANCE);
                    }
                });
            }
            assertEquals(
                    new TreeSet<>(file.names().stream()
                            .filter(n -> n.startsWith("layers."))
                            .toList()),
                    names);
        }
    }

    static List<SourcedAttention> layers(SafetensorsFile file, Backend backend) {
        var layers = new ArrayList<SourcedAttention>();
        for (SourcedAttentionConfig config : Golden.sourced(file)) {
            SourcedAttention layer = config.init(backend, RandomStream.of(0));
            assertEquals(config.parameterCount(), layer.parameters().elements());
            String prefix = "layers." + config.links().layer() + ".attn.";
            layer.parameters()
                    .forEach((path, parameter) -> parameter.assign(
                            Conformance.sample(file, prefix + path).on(backend)));
            layers.add(layer);
        }
        return layers;
    }

    @Test
    void releasedPattern() {
        List<SourcedAttentionConfig> layers = SourcedAttentionConfig.deepSeekV41Flash();
        assertEquals(40, layers.size());
        assertEquals(new Compression.None(), layers.get(1).compression());
        assertEquals(new Compression.Unbiased(2), layers.get(19).compression());
        SourceLinks last = layers.get(39).links();
        assertEquals(20, last.entries());
        assertEquals(20, last.indexKeys());
        assertEquals(36, last.chosen());
        assertTrue(layers.get(20).links().candidates() instanceof SourceLinks.Candidates.Published);
        assertEquals(new SourceLinks.Candidates.Of(20), layers.get(24).links().candidates());
        assertEquals(new SourceLinks.Candidates.All(), layers.get(14).links().candidates());
        // 512 + 128 for each source's entry, at one entry for two tokens or for one.
        assertEquals(
                3 * 640 / 2 + 640,
                layers.stream().mapToInt(SourcedAttentionTest::perToken).sum());
    }

    @Test
    void smallLayersReadTheFirstOfTheirRatio() {
        List<SourcedAttentionConfig> layers = SourcedAttentionConfig.layers(64, 4, 0, 2, 2, 0, 2, 1, 1);
        assertEquals(
                List.of(-1, 1, 1, 1, 4, 5, 5),
                layers.stream().map(layer -> layer.links().entries()).toList());
        assertEquals(
                new SourceLinks(6, 5, 5, 5, new SourceLinks.Candidates.All()),
                layers.get(6).links());
        assertTrue(SourcedAttentionConfig.of(64, 4).makesIndexKeys());
        assertEquals(
                CompressedAttentionConfig.of(64, 4).head().head(),
                layers.getFirst().head().head());
        assertThrows(IllegalArgumentException.class, () -> SourcedAttentionConfig.of(64, 5));
        assertThrows(IllegalArgumentException.class, () -> SourcedAttentionConfig.layers(64, 4, 2, -1));
    }

    /** One head, an odd number of heads, heads of two channels. */
    @ParameterizedTest
    @CsvSource({"64,4", "6,3", "5,1", "4,4"})
    void aSmallLayerRunsByItself(int width, int heads) {
        SourcedAttention layer = SourcedAttentionConfig.of(width, heads).init(scalar, RandomStream.of(1));
        assertEquals(layer.config().parameterCount(), layer.parameters().elements());
        Tensor x = Initializer.normal(1).draw(scalar, Shape.of(1, 5, width), RandomStream.of(2));
        Tensor whole = layer.forward(x, Context.inference().with(Sources.KEY, new Sources()));
        try (KvCache cache = layer.config().cacheLayout().init(5)) {
            for (int token = 0; token < 5; token++) {
                Context context = Context.inference()
                        .with(CacheBatch.KEY, CacheBatch.of(cache))
                        .with(Sources.KEY, new Sources());
                assertClose(
                        "token " + token,
                        slice(whole, 1, token, token + 1),
                        layer.forward(slice(x, 1, token, token + 1), context),
                        Tolerance.float32(width).times(8));
            }
        }
    }

    private static int perToken(SourcedAttentionConfig config) {
        CacheLayout layout = config.cacheLayout();
        return layout.ratio() == 0
                ? 0
                : layout.entries().stream().mapToInt(part -> part.width()).sum() / layout.ratio();
    }

    @Test
    void contradictionsAreAllNamedAtOnce() {
        String message = Thrown.message(
                IllegalArgumentException.class,
                () -> new SourcePattern(
                        List.of(2, 0, 2, 1, 4, 2), List.of(1, 2), List.of(2, 3), 2, TopBlocks.byBest(1, 1)));
        for (String part : List.of(
                "layer 0 of ratio 2 has no entry source",
                "layer 3 of ratio 1 reads entries of layer 2 of ratio 2, which makes fewer than it sees",
                "layer 3 of ratio 1 scores index keys of layer 2 of ratio 2",
                "layer 4 of ratio 4 takes choices of layer 3 of ratio 1, which name more than it sees",
                "layer 5 of ratio 2 takes choices of layer 3 of ratio 1",
                "layer 3 of ratio 1 chooses among candidates of layer 2 of ratio 2")) {
            assertTrue(message.contains(part), message);
        }
    }

    @Test
    void aSourceThatCannotDoWhatItShallIsNamed() {
        String silent = Thrown.message(
                IllegalArgumentException.class,
                () -> new SourcePattern(List.of(1, 0), List.of(0), List.of(0), 1, TopBlocks.byBest(1, 1)));
        assertTrue(silent.contains("layer 1 shall publish candidates"), silent);
        String keyless = Thrown.message(
                IllegalArgumentException.class,
                () -> new SourcePattern(List.of(1, 1), List.of(0), List.of(1), -1, TopBlocks.byBest(1, 1)));
        assertTrue(keyless.contains("layer 0 of ratio 1 has no index source"), keyless);
        assertTrue(keyless.contains("layer 1 of ratio 1 chooses among entries of layer 0 but no layer"), keyless);
    }

    /** The released program's rule, literally: whoever wrote last. */
    @Test
    void aSourceOfEntriesAloneLeavesIndexKeysAndChoicesInPlace() {
        var pattern = new SourcePattern(List.of(1, 1, 1, 1), List.of(0, 2), List.of(0, 3), -1, TopBlocks.byBest(1, 1));
        assertEquals(new SourceLinks(2, 2, 0, 0, new SourceLinks.Candidates.All()), pattern.links(2));
        assertEquals(new SourceLinks(3, 2, 0, 3, new SourceLinks.Candidates.All()), pattern.links(3));
    }

    /** A layer that asks for another's entries trains the other's index keys too. */
    @Test
    void theListenerTrainsIndexersAndNothingElse() {
        try (SafetensorsFile file = Golden.open("sourced")) {
            for (int chosen : List.of(1000, 2)) {
                List<SourcedAttention> layers = layers(file, scalar).stream()
                        .map(layer -> layer.withChosen(chosen))
                        .toList();
                var heard = new ArrayList<ScoreListener.Heard>();
                Context context =
                        Context.training().with(Sources.KEY, new Sources()).with(ScoreListener.KEY, heard::add);
                for (int l = 0; l < layers.size(); l++) {
                    layers.get(l)
                            .forward(
                                    Autograd.leaf(
                                            Conformance.sample(file, "x." + l).on(scalar)),
                                    context);
                }
                assertEquals(3, heard.size());
                Gradients last =
                        Autograd.backward((chosen == 2 ? IndexerLoss.sparse(2) : IndexerLoss.dense()).of(heard.get(2)));
                for (int l = 0; l < layers.size(); l++) {
                    int layer = l;
                    layers.get(l).parameters().forEach((path, parameter) -> {
                        boolean asks = layer == 4 && path.startsWith("indexer.");
                        boolean answers = layer == 3 && path.matches("indexer\\.(wk|k_norm).*");
                        assertEquals(
                                asks || answers, last.find(parameter.value()).isPresent(), layer + " " + path);
                    });
                }
            }
        }
    }

    @Test
    void aLayerSaysWhichSourceIsMissing() {
        try (SafetensorsFile file = Golden.open("sourced")) {
            List<SourcedAttention> layers = layers(file, scalar);
            Tensor x = scalar.tensors().zeros(Shape.of(1, 4, Golden.integer(file, "hidden_size")));
            String none = Thrown.message(
                    IllegalStateException.class, () -> layers.get(2).forward(x, Context.inference()));
            assertTrue(none.contains("attention sources"), none);
            var sources = new Sources();
            Context context = Context.inference().with(Sources.KEY, sources);
            String missing = Thrown.message(
                    IllegalStateException.class, () -> layers.get(2).forward(x, context));
            assertTrue(missing.contains("layer 1 published no entries"), missing);
            layers.get(1).forward(x, context);
            Tensor longer = scalar.tensors().zeros(Shape.of(1, 5, Golden.integer(file, "hidden_size")));
            String stale = Thrown.message(
                    IllegalStateException.class, () -> layers.get(2).forward(longer, context));
            assertTrue(stale.contains("tokens 0 to 3") && stale.contains("tokens 0 to 4"), stale);
        }
    }

    /** No board, no source before it, or the board of the pass before: nothing is left in the cache, so that the call can be mended. */
    @Test
    void aMissingSourceIsNoticedBeforeAnythingIsLeft() {
        List<SourcedAttentionConfig> configs = SourcedAttentionConfig.layers(16, 1, 2, 2);
        SourcedAttention source = configs.get(0).init(scalar, RandomStream.of(1));
        SourcedAttention reader = configs.get(1).init(scalar, RandomStream.of(2));
        Tensor x = scalar.tensors().full(Shape.of(1, 3, 16), 0.5);
        try (KvCache ofSource = configs.get(0).cacheLayout().init(16);
                KvCache ofReader = configs.get(1).cacheLayout().init(16)) {
            Context first = Context.inference().with(CacheBatch.KEY, CacheBatch.of(ofSource));
            Context second = Context.inference().with(CacheBatch.KEY, CacheBatch.of(ofReader));
            assertThrows(IllegalStateException.class, () -> source.forward(x, first));
            assertThrows(IllegalStateException.class, () -> reader.forward(x, second.with(Sources.KEY, new Sources())));
            assertEquals(0, ofSource.length());
            assertEquals(0, ofReader.length());
            var sources = new Sources();
            source.forward(x, first.with(Sources.KEY, sources));
            reader.forward(x, second.with(Sources.KEY, sources));
            assertThrows(IllegalStateException.class, () -> source.forward(x, first.with(Sources.KEY, sources)));
            assertThrows(IllegalStateException.class, () -> reader.forward(x, second.with(Sources.KEY, sources)));
            assertEquals(3, ofSource.length());
            assertEquals(3, ofReader.length());
        }
    }
}
