package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Compare;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;

class EngramProperties {
    private static final VocabularyCompression VOCABULARY = VocabularyCompression.identity(13);

    @Property(tries = 120)
    void agreesWithTheNaiveForm(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") EngramConfig config,
            @ForAll @IntRange(min = 0, max = 3) int batch,
            @ForAll @IntRange(min = 0, max = 11) int tokens,
            @ForAll @IntRange(min = 0, max = 999) int seed) {
        RandomStream random = RandomStream.of(seed);
        EngramCase each = EngramCase.random(config, random.fork("weights"));
        Shape shape = Shape.of(batch, tokens, config.streams(), config.width());
        double[] x = EngramCase.gaussian(random.fork("x"), shape);
        double[] upstream = EngramCase.gaussian(random.fork("upstream"), shape);
        int[] ids = EngramCase.ids(random.fork("ids"), -1, 13, batch * tokens);
        Context context = EngramCase.context(backend, batch, tokens, ids);
        Engram layer = each.on(backend);
        NgramRows rows = layer.hash().rows(context.require(Context.TOKEN_IDS, "test"));

        var naive = new NaiveEngram(config);
        NaiveEngram.Weights w = each.weights();
        boolean[] live = NaiveEngramTest.live(rows, batch * tokens);
        NaiveEngram.Saved saved =
                naive.forward(w, batch, tokens, x, rows.of(layer.layer()).toInts(), live);
        NaiveEngram.Gradients gradients = naive.backward(w, saved, upstream);

        Tolerance tolerance = Tolerance.of(backend, (long) config.memoryWidth() + config.width())
                .times(8 / nearestScore(saved, config))
                .withFloor(Math.max(1, steepestNorm(saved)));
        EngramCase.Result result = each.run(backend, shape, x, upstream, context);
        Compare.assertClose("output", saved.y(), result.output(), tolerance);
        Compare.assertClose("x", gradients.x(), result.gradient("x"), tolerance);
        Map<String, double[]> expected = EngramCase.byPath(gradients.weights());
        layer.parameters()
                .forEach((path, parameter) -> Compare.assertClose(
                        path, Objects.requireNonNull(expected.get(path)), result.gradient(path), tolerance));
    }

    /** Gradients through a norm of width 1 cancel; what cancels grows with the inverse of what was normalised. */
    private static double steepestNorm(NaiveEngram.Saved saved) {
        return Stream.of(saved.inverseX(), saved.inverseK(), saved.inverseGated())
                .flatMapToDouble(DoubleStream::of)
                .max()
                .orElse(1);
    }

    /** The root of the gate magnifies rounding errors of scores by as much as scores are small. */
    private static double nearestScore(NaiveEngram.Saved saved, EngramConfig config) {
        return IntStream.range(0, saved.raw().length)
                .mapToDouble(s -> Math.abs(saved.raw()[s] * saved.inverseX()[s] * saved.inverseK()[s])
                        / Math.sqrt(config.width()))
                .filter(score -> score > 0)
                .map(score -> Math.max(score, 1e-4))
                .reduce(1, Math::min);
    }

    @Property(tries = 20)
    void aValueOfZeroLeavesTheStreams(
            @ForAll(supplier = AnyBackend.class) Backend backend, @ForAll @IntRange(min = 0, max = 99) int seed) {
        var config = EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 2))
                .withConvolution(Convolution.ofKernel(3, 2));
        EngramPass pass = EngramPass.of(config, 4, seed);
        double[] projection = pass.each().get("wkv.weight").clone();
        Arrays.fill(projection, config.streams() * config.width() * config.memoryWidth(), projection.length, 0);
        Tensor streams = backend.tensors().doubles(pass.shape(), pass.x());
        Tensor ids = backend.tensors().ints(Shape.of(1, 4), pass.ids());
        Engram silent = pass.each().with("wkv.weight", projection).on(backend);
        assertArrayEquals(streams.toDoubles(), silent.addTo(streams, ids).toDoubles());

        EngramCase still =
                pass.each().with("conv.weight", new double[pass.each().get("conv.weight").length]);
        EngramCase without = new EngramCase(config.withConvolution(Convolution.none()), still.values());
        assertArrayEquals(
                without.on(backend).addTo(streams, ids).toDoubles(),
                still.on(backend).addTo(streams, ids).toDoubles());
    }

    /** A change at one token reaches the tokens that lie whole dilations behind it, up to the kernel's end, and no others. */
    @Property(tries = 30)
    void theConvolutionReachesItsTapsOnly(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 4) int kernel,
            @ForAll @IntRange(min = 1, max = 3) int dilation,
            @ForAll @IntRange(min = 0, max = 14) int place) {
        int tokens = 15;
        EngramCase open = EngramCase.transparent(2, 3, GateZero.SIGN, 1e-6);
        EngramConfig config = open.config().withConvolution(Convolution.ofKernel(kernel, dilation));
        EngramCase each = new EngramCase(config, open.values());
        double[] ones = new double[2 * 3];
        Arrays.fill(ones, 1);
        double[] taps = new double[2 * 3 * kernel];
        Arrays.setAll(taps, i -> 0.5 + i % 5);
        Engram layer =
                each.with("conv.norm_weight", ones).with("conv.weight", taps).on(backend);
        Shape shape = Shape.of(1, tokens, 2, 3);
        Tensor streams = backend.tensors().doubles(shape, EngramCase.gaussian(RandomStream.of(3), shape));
        double[] memory = EngramCase.gaussian(RandomStream.of(4), Shape.of(1, tokens, 9));
        double[] moved = memory.clone();
        for (int i = 6; i < 9; i++) {
            moved[place * 9 + i] *= -1.5;
        }
        double[] before = contribution(layer, streams, memory);
        double[] after = contribution(layer, streams, moved);
        for (int t = 0; t < tokens; t++) {
            boolean reached = t >= place && (t - place) % dilation == 0 && (t - place) / dilation < kernel;
            for (int i = t * 6; i < t * 6 + 6; i++) {
                assertEquals(reached, before[i] != after[i], "token " + t);
            }
        }
    }

    private static double[] contribution(Engram layer, Tensor streams, double[] memory) {
        Tensor read = Backend.of(streams).tensors().doubles(Shape.of(1, streams.dim(1), 9), memory);
        return layer.forward(streams, read, Context.inference()).toDoubles();
    }

    @Property(tries = 60)
    void decodingInPiecesEqualsOnePass(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") EngramConfig config,
            @ForAll @IntRange(min = 1, max = 5) int piece,
            @ForAll @IntRange(min = 0, max = 99) int seed) {
        int batch = 2;
        int tokens = 11;
        RandomStream random = RandomStream.of(seed);
        Engram layer = EngramCase.random(config, random.fork("weights")).on(backend);
        Shape shape = Shape.of(batch, tokens, config.streams(), config.width());
        Tensor x = backend.tensors().doubles(shape, EngramCase.gaussian(random.fork("x"), shape));
        Tensor ids = backend.tensors()
                .ints(Shape.of(batch, tokens), EngramCase.ids(random.fork("ids"), -1, 13, batch * tokens));
        Tensor whole = layer.forward(x, Context.inference(ids));
        EngramCache cache = EngramCache.of(layer.hash(), batch);
        for (int from = 0; from < tokens; from += piece) {
            int to = Math.min(tokens, from + piece);
            EngramCache rejected = cache.copy();
            Tensor guess = backend.tensors().ints(Shape.of(batch, 1), new int[batch]);
            layer.forward(
                    Slice.slice(x, 1, from, from + 1),
                    rejected.advance(Context.inference(guess).at(from)));
            Context context = cache.advance(
                    Context.inference(Slice.slice(ids, 1, from, to)).at(from));
            Compare.assertClose(
                    "tokens from " + from,
                    Slice.slice(whole, 1, from, to),
                    layer.forward(Slice.slice(x, 1, from, to), context),
                    Tolerance.of(backend, config.memoryWidth()).withFloor(1));
        }
        assertEquals(tokens, cache.length());
    }

    @Property(tries = 30)
    void deadTokensAreSilentAndHideWhatIsBehindThem(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") EngramConfig config,
            @ForAll @IntRange(min = 0, max = 99) int seed) {
        EngramPass pass = EngramPass.of(config, 9, seed);
        int[] ids = pass.ids().clone();
        ids[4] = -1;
        Engram layer = pass.each().on(backend);
        Tensor x = backend.tensors().doubles(pass.shape(), pass.x());
        Tensor idsTensor = backend.tensors().ints(Shape.of(1, 9), ids);
        double[] y = layer.addTo(x, idsTensor).toDoubles();
        int row = config.streams() * config.width();
        assertArrayEquals(Arrays.copyOfRange(pass.x(), 4 * row, 5 * row), Arrays.copyOfRange(y, 4 * row, 5 * row));
        int columns = config.hash().columns();
        int[] after = layer.hash().rows(idsTensor).of(layer.layer()).toInts();
        int[] alone = layer.hash()
                .rows(backend.tensors().ints(Shape.of(1, 4), Arrays.copyOfRange(ids, 5, 9)))
                .of(layer.layer())
                .toInts();
        assertArrayEquals(alone, Arrays.copyOfRange(after, 5 * columns, 9 * columns));
    }

    @Property(tries = 20)
    void onlyRowsThatWereReadGetGradient(
            @ForAll(supplier = AnyBackend.class) Backend backend, @ForAll @IntRange(min = 0, max = 99) int seed) {
        var config = EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 50, 1, 2));
        EngramPass pass = EngramPass.of(config, 6, seed);
        Engram layer = pass.each().on(backend);
        Tensor ids = backend.tensors().ints(Shape.of(1, 6), pass.ids());
        Tensor rows = layer.hash().rows(ids).of(2);
        Tensor streams = backend.tensors().doubles(pass.shape(), pass.x());
        Tensor upstream = backend.tensors().doubles(pass.shape(), pass.upstream());
        Tensor memory = Autograd.leaf(Autograd.detach(layer.read(rows)));
        double[] dMemory = Autograd.backward(layer.forward(streams, memory, Context.training()), upstream)
                .of(memory)
                .toDoubles();
        double[] dTable = Autograd.backward(layer.forward(streams, Context.training(ids)), upstream)
                .of(layer.parameters().get(Engram.TABLE).value())
                .toDoubles();
        double[] expected = new double[dTable.length];
        int[] read = rows.toInts();
        for (int i = 0; i < read.length; i++) {
            for (int j = 0; j < 3; j++) {
                expected[read[i] * 3 + j] += dMemory[i * 3 + j];
            }
        }
        Compare.assertClose("table", expected, dTable, Tolerance.of(backend, 64).withFloor(1));
        for (int row = 0; row < dTable.length / 3; row++) {
            int each = row;
            if (Arrays.stream(read).noneMatch(r -> r == each)) {
                assertEquals(0.0, dTable[row * 3]);
            }
        }
    }

    @Example
    void presetsHaveThePublishedSizes() {
        var vocabulary = VocabularyCompression.identity(99_092);
        EngramConfig flash = EngramConfig.v41Flash(vocabulary);
        assertEquals(384_006_168L * 256, flash.tableElements(1));
        assertEquals(384_016_682L * 256, flash.tableElements(14));
        assertEquals(25_600L * 6144 + 2 * 4 * 5120, flash.denseElements());
        EngramConfig demo = EngramConfig.demo(vocabulary);
        assertEquals(10_344_164L * 64, demo.tableElements(1));
        assertEquals(10_348_242L * 64, demo.tableElements(15));
        EngramConfig paper = EngramConfig.paper27B(vocabulary);
        assertEquals(5_792_338_560L, paper.tableElements(1) + paper.tableElements(14));
        EngramConfig larger = EngramConfig.paper40B(vocabulary);
        assertEquals(18.53, (larger.tableElements(1) + larger.tableElements(14)) / 1e9, 0.01);
        assertEquals(1280, larger.memoryWidth());
        assertThrows(IllegalArgumentException.class, () -> EngramConfig.v41Flash(VocabularyCompression.identity(7)));
        Backend backend = TestBackends.get("scalar");
        RandomStream random = RandomStream.of(1);
        assertThrows(IllegalArgumentException.class, () -> flash.init(backend, random, 1));
        assertThrows(IllegalArgumentException.class, () -> flash.init(backend, random));
    }

    @Property(tries = 10)
    void aNewLayerIsSmallAndCounted(@ForAll(supplier = AnyBackend.class) Backend backend) {
        EngramConfig config = EngramConfig.forCode(32, 260).withStreams(6).withLayers(2, 8);
        Engram layer = config.init(backend, RandomStream.of(5), 8);
        assertEquals(
                config.tableElements(8) + config.denseElements(),
                layer.parameters().elements());
        assertEquals(
                List.of("embed.weight", "wkv.weight", "q_weight", "k_weight", "conv.norm_weight", "conv.weight"),
                List.copyOf(layer.parameters().asMap().keySet()));
        Tensor streams = backend.tensors().zeros(Shape.of(1, 3, 6, 32));
        Tensor ids = backend.tensors().ints(Shape.of(1, 3), new int[] {104, 105, 259});
        double[] y = layer.forward(streams, Context.training(ids)).toDoubles();
        assertTrue(DoubleStream.of(y).anyMatch(v -> v != 0));
        assertTrue(DoubleStream.of(y).allMatch(v -> Math.abs(v) < 0.2));
        assertArrayEquals(
                layer.parameters().get("wkv.weight").value().toDoubles(),
                config.init(backend, RandomStream.of(5), 8)
                        .parameters()
                        .get("wkv.weight")
                        .value()
                        .toDoubles());
    }

    @Example
    void saysWhatIsWrong() {
        Backend backend = TestBackends.get("scalar");
        Engram layer = EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 2))
                .init(backend, RandomStream.of(5));
        Tensor streams = backend.tensors().zeros(Shape.of(1, 3, 4, 5));
        Tensor ids = backend.tensors().ints(Shape.of(1, 3), new int[3]);
        assertThrows(IllegalStateException.class, () -> layer.forward(streams, Context.inference()));
        assertThrows(
                IllegalStateException.class,
                () -> layer.forward(streams, Context.inference(ids).at(1)));
        Tensor others = backend.tensors().zeros(Shape.of(1, 3, 2, 5));
        assertThrows(ShapeException.class, () -> layer.addTo(others, ids));
        Tensor shorter = backend.tensors().ints(Shape.of(1, 2), new int[2]);
        assertThrows(ShapeException.class, () -> layer.addTo(streams, shorter));
        EngramCache cache = EngramCache.of(layer.hash(), 1);
        assertThrows(
                IllegalStateException.class,
                () -> cache.advance(Context.inference(ids).at(1)));
        NgramRows elsewhere =
                NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 5).init().rows(ids);
        Context wrong = Context.inference().with(NgramRows.KEY, elsewhere);
        var refused = assertThrows(IllegalArgumentException.class, () -> layer.forward(streams, wrong));
        assertTrue(refused.toString().contains("layer 2"), refused.toString());
        assertThrows(IllegalArgumentException.class, () -> layer.config().withStreams(0));
        assertThrows(IllegalArgumentException.class, () -> layer.config().withEps(-1));
        assertThrows(IllegalArgumentException.class, () -> Convolution.ofKernel(0, 1));
    }

    @Provide
    Arbitrary<EngramConfig> forms() {
        return Arbitraries.of(EngramCase.forms());
    }
}
