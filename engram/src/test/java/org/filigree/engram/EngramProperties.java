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
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.LinearConfig.Bias;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Compare;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import tools.jackson.databind.JsonNode;

class EngramProperties {
    private static final VocabularyCompression VOCABULARY = VocabularyCompression.identity(13);

    /** Identity in the place of the projections: what is read is the keys of all streams and the value. */
    private static EngramCase transparent(int streams, int width, GateZero zero, double eps) {
        int all = (streams + 1) * width;
        var hash = new NgramHashConfig(VOCABULARY, List.of(1), 1, List.of(2), List.of(0), 0, 0, Barriers.none());
        var config = new EngramConfig(
                width, streams, all, hash, zero, Bias.ABSENT, Convolution.none(), eps);
        double[] identity = new double[all * all];
        for (int i = 0; i < all; i++) {
            identity[i * all + i] = 1;
        }
        double[] ones = new double[streams * width];
        Arrays.fill(ones, 1);
        return EngramCase.random(config, RandomStream.of(1))
                .with("wkv.weight", identity)
                .with("q_weight", ones)
                .with("k_weight", ones);
    }

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
                .withFloor(1);
        EngramCase.Result result = each.run(backend, shape, x, upstream, context);
        Compare.assertClose("output", saved.y(), result.output(), tolerance);
        Compare.assertClose("x", gradients.x(), gradient(result, "x"), tolerance);
        Map<String, double[]> expected = EngramCase.byPath(gradients.weights());
        layer.parameters()
                .forEach((path, parameter) -> Compare.assertClose(
                        path, Objects.requireNonNull(expected.get(path)), gradient(result, path), tolerance));
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

    @Property(tries = 12)
    void gateAndItsGradientsAreThoseOfTheReference(@ForAll(supplier = AnyBackend.class) Backend backend) {
        JsonNode golden = Golden.at("gate");
        JsonNode expected = golden.get("copysign_semantics");
        EngramCase each = transparent(2, 4, GateZero.COPY_SIGN, golden.get("eps").asDouble())
                .with("q_weight", Golden.doubles(golden.get("w_hidden")))
                .with("k_weight", Golden.doubles(golden.get("w_embed")));
        Engram layer = each.on(backend);
        Shape shape = Shape.of(1, 3, 2, 4);
        Tensor x = Autograd.leaf(backend.tensors().doubles(shape, Golden.doubles(golden.get("x"))));
        Tensor memory = Autograd.leaf(
                backend.tensors().doubles(Shape.of(1, 3, 12), keysAndValue(golden.get("k"), golden.get("v"))));
        Tensor out = layer.forward(x, memory, Context.training());
        Tensor upstream = backend.tensors().doubles(shape, Golden.doubles(golden.get("grad_out")));
        Gradients gradients = Autograd.backward(out, upstream);

        Tolerance tolerance = Tolerance.of(backend, 64).times(8).withFloor(1);
        Compare.assertClose(
                "out", minus(Golden.doubles(expected.get("out")), x.toDoubles()), out, tolerance);
        Compare.assertClose(
                "x",
                minus(Golden.doubles(expected.get("grad_x")), upstream.toDoubles()),
                gradients.of(x),
                tolerance);
        Compare.assertClose(
                "memory",
                keysAndValue(expected.get("grad_k"), expected.get("grad_v")),
                gradients.of(memory),
                tolerance);
        Compare.assertClose(
                "q_weight",
                Golden.doubles(expected.get("grad_wh")),
                gradients.of(layer.parameters().get("q_weight").value()),
                tolerance);
        Compare.assertClose(
                "k_weight",
                Golden.doubles(expected.get("grad_we")),
                gradients.of(layer.parameters().get("k_weight").value()),
                tolerance);

        Tensor gate = transparent(2, 4, GateZero.SIGN, golden.get("eps").asDouble())
                .with("q_weight", Golden.doubles(golden.get("w_hidden")))
                .with("k_weight", Golden.doubles(golden.get("w_embed")))
                .on(backend)
                .gate(Autograd.detach(x), backend.tensors().doubles(shape, Golden.doubles(golden.get("k"))));
        Compare.assertClose(
                "gate", Golden.doubles(golden.get("ref_f32_gate_sign_semantics")), gate, Tolerance.float32(64));
    }

    private static double[] keysAndValue(JsonNode keys, JsonNode values) {
        double[] k = Golden.doubles(keys);
        double[] v = Golden.doubles(values);
        double[] joined = new double[k.length + v.length];
        for (int t = 0; t < 3; t++) {
            System.arraycopy(k, t * 8, joined, t * 12, 8);
            System.arraycopy(v, t * 4, joined, t * 12 + 8, 4);
        }
        return joined;
    }

    private static double[] minus(double[] a, double[] b) {
        double[] difference = new double[a.length];
        Arrays.setAll(difference, i -> a[i] - b[i]);
        return difference;
    }

    /** In one dimension without eps the score is the product of the weights: each stream here has a score of its own. */
    @Property(tries = 60)
    void gateRisesWithTheScoreAndIsSymmetric(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll GateZero zero,
            @ForAll("scores") double[] magnitudes) {
        double[] sorted = DoubleStream.of(magnitudes).sorted().toArray();
        double[] scores = DoubleStream.concat(DoubleStream.of(sorted), DoubleStream.of(sorted).map(s -> -s))
                .toArray();
        int n = scores.length;
        Engram layer = transparent(n, 1, zero, 0).with("q_weight", scores).on(backend);
        double[] gate = layer.gate(
                        backend.tensors().full(Shape.of(1, 1, n, 1), 3), backend.tensors().full(Shape.of(1, 1, n, 1), 2))
                .toDoubles();
        for (int i = 0; i < sorted.length; i++) {
            assertTrue(gate[i] > 0 && gate[i] < 1);
            if (scores[i] == 0) {
                assertEquals(zero == GateZero.SIGN ? 0 : 2.5e-4, Math.abs(gate[i] - 0.5), 1e-7);
            } else {
                assertEquals(1, gate[i] + gate[sorted.length + i], 1e-6);
            }
            if (i > 0 && sorted[i - 1] >= 1e-4 && sorted[i] > sorted[i - 1] * 1.01) {
                assertTrue(gate[i] > gate[i - 1]);
            }
            if (i > 0 && sorted[i] < 1e-6 && sorted[i - 1] > 0) {
                assertEquals(gate[i - 1], gate[i], "flat below 1e-6");
            }
        }
    }

    @Property(tries = 40)
    void gateSeesDirectionsOnly(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 0, max = 99) int seed,
            @ForAll @IntRange(min = -3, max = 3) int power) {
        EngramCase each = EngramCase.random(
                EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 2, 2, 11, 1, 2)), RandomStream.of(seed));
        Engram layer = each.on(backend);
        Shape shape = Shape.of(1, 3, 4, 5);
        double[] x = EngramCase.gaussian(RandomStream.of(seed).fork("x"), shape);
        double[] k = EngramCase.gaussian(RandomStream.of(seed).fork("k"), shape);
        double[] gate = gate(layer, shape, x, k);
        double factor = Math.scalb(1.0, power);
        Tolerance tolerance = Tolerance.float32(64).times(100).withFloor(1);
        Compare.assertClose("x scaled", gate, gate(layer, shape, times(x, factor), k), tolerance);
        Compare.assertClose("k scaled", gate, gate(layer, shape, x, times(k, factor)), tolerance);
        double[] flipped = gate(layer, shape, times(x, -factor), k);
        Arrays.setAll(flipped, i -> 1 - flipped[i]);
        Compare.assertClose("x turned round", gate, flipped, tolerance);
    }

    private static double[] gate(Engram layer, Shape shape, double[] x, double[] k) {
        Backend backend = Backend.of(layer.parameters().get("q_weight").value());
        return layer.gate(
                        backend.tensors().doubles(shape, x), backend.tensors().doubles(shape, k))
                .toDoubles();
    }

    private static double[] times(double[] values, double factor) {
        return Arrays.stream(values).map(v -> v * factor).toArray();
    }

    /** A small layer, its input and its result on the precise backend, for identities between results. */
    @SuppressWarnings("ArrayRecordComponent") // Numbers on their way to tensors.
    private record Pass(EngramCase each, Shape shape, double[] x, double[] upstream, int[] ids) {
        static Pass of(EngramConfig config, int tokens, int seed) {
            RandomStream random = RandomStream.of(seed);
            Shape shape = Shape.of(1, tokens, config.streams(), config.width());
            return new Pass(
                    EngramCase.random(config, random.fork("weights")),
                    shape,
                    EngramCase.gaussian(random.fork("x"), shape),
                    EngramCase.gaussian(random.fork("upstream"), shape),
                    EngramCase.ids(random.fork("ids"), 0, 13, tokens));
        }

        EngramCase.Result run() {
            Backend backend = TestBackends.oracle();
            return each.run(backend, shape, x, upstream, EngramCase.context(backend, 1, ids.length, ids));
        }

        Pass with(EngramCase other) {
            return new Pass(other, shape, x, upstream, ids);
        }
    }

    private static final Tolerance FINE = Tolerance.float64(1000).times(1e4).withFloor(1);

    @Property(tries = 30)
    void onlyTheProductOfQueryAndKeyWeightsMatters(
            @ForAll("forms") EngramConfig config, @ForAll @IntRange(min = 0, max = 99) int seed) {
        Pass pass = Pass.of(config, 6, seed);
        EngramCase.Result result = pass.run();
        EngramCase.Result moved = pass.with(pass.each()
                        .with("q_weight", times(pass.each().get("q_weight"), 4))
                        .with("k_weight", times(pass.each().get("k_weight"), 0.25)))
                .run();
        Compare.assertClose("output", result.output(), moved.output(), FINE);
        double[] dq = gradient(result, "q_weight").toDoubles();
        double[] dk = gradient(result, "k_weight").toDoubles();
        Arrays.setAll(dq, i -> dq[i] * pass.each().get("q_weight")[i]);
        Arrays.setAll(dk, i -> dk[i] * pass.each().get("k_weight")[i]);
        Compare.assertClose("dq∘q = dk∘k", dq, dk, FINE);
    }

    @Property(tries = 20)
    void permutingStreamsPermutesResults(@ForAll @IntRange(min = 0, max = 99) int seed) {
        var config = EngramConfig.of(3, 2, NgramHashConfig.of(VOCABULARY, 3, 1, 7, 1, 2))
                .withStreams(3)
                .withBias(Bias.PRESENT)
                .withConvolution(Convolution.ofKernel(2, 2));
        Pass pass = Pass.of(config, 5, seed);
        int[] order = {2, 0, 1};
        int[] withValue = {2, 0, 1, 3};
        EngramCase each = pass.each();
        EngramCase permuted = each.with("wkv.weight", blocks(each.get("wkv.weight"), 1, withValue))
                .with("wkv.bias", blocks(each.get("wkv.bias"), 1, withValue))
                .with("q_weight", blocks(each.get("q_weight"), 1, order))
                .with("k_weight", blocks(each.get("k_weight"), 1, order))
                .with("conv.norm_weight", blocks(each.get("conv.norm_weight"), 1, order))
                .with("conv.weight", blocks(each.get("conv.weight"), 1, order));
        Pass other = new Pass(
                permuted, pass.shape(), blocks(pass.x(), 5, order), blocks(pass.upstream(), 5, order), pass.ids());
        EngramCase.Result result = pass.run();
        EngramCase.Result turned = other.run();
        Compare.assertClose("output", blocks(result.output().toDoubles(), 5, order), turned.output(), FINE);
        Compare.assertClose("x", blocks(gradient(result, "x").toDoubles(), 5, order), gradient(turned, "x"), FINE);
        Compare.assertClose(
                "wkv",
                blocks(gradient(result, "wkv.weight").toDoubles(), 1, withValue),
                gradient(turned, "wkv.weight"),
                FINE);
        Compare.assertClose("table", gradient(result, "embed.weight"), gradient(turned, "embed.weight"), FINE);
    }

    /** Reorders equal blocks inside each of {@code outer} rows. */
    private static double[] blocks(double[] values, int outer, int[] order) {
        int row = values.length / outer;
        int block = row / order.length;
        double[] moved = new double[values.length];
        Arrays.setAll(moved, i -> values[i / row * row + order[i % row / block] * block + i % block]);
        return moved;
    }

    @Property(tries = 20)
    void exchangingHeadsWithTheirColumnsChangesNothing(@ForAll @IntRange(min = 0, max = 99) int seed) {
        var config = EngramConfig.of(3, 2, NgramHashConfig.of(VOCABULARY, 2, 2, 7, 1, 2));
        Pass pass = Pass.of(config, 5, seed);
        Engram layer = pass.each().on(TestBackends.oracle());
        Tensor streams = TestBackends.oracle().tensors().doubles(pass.shape(), pass.x());
        Tensor ids = TestBackends.oracle().tensors().ints(Shape.of(1, 5), pass.ids());
        Tensor rows = layer.hash().rows(ids).of(2);
        int[] swapped = rows.toInts();
        for (int i = 0; i < swapped.length; i += 2) {
            int first = swapped[i];
            swapped[i] = swapped[i + 1];
            swapped[i + 1] = first;
        }
        Engram other = pass.each()
                .with("wkv.weight", blocks(pass.each().get("wkv.weight"), 5 * 3, new int[] {1, 0}))
                .on(TestBackends.oracle());
        Compare.assertClose(
                "output",
                layer.forward(streams, layer.read(rows), Context.inference()),
                other.forward(
                        streams,
                        other.read(TestBackends.oracle().tensors().ints(rows.shape(), swapped)),
                        Context.inference()),
                FINE);
    }

    @Property(tries = 20)
    void aScaledTableScalesTheValueAlone(
            @ForAll @IntRange(min = 0, max = 99) int seed, @ForAll @IntRange(min = -2, max = 5) int power) {
        Pass pass = Pass.of(EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 2)), 4, seed);
        double factor = Math.scalb(1.0, power);
        double[] expected = times(pass.run().output().toDoubles(), factor);
        EngramCase scaled = pass.each().with("embed.weight", times(pass.each().get("embed.weight"), factor));
        Compare.assertClose("output", expected, pass.with(scaled).run().output(), FINE.withFloor(factor));
    }

    @Property(tries = 40)
    void scoresNearZeroGetNoGradient(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll GateZero zero,
            @ForAll @IntRange(min = 0, max = 99) int seed) {
        EngramCase each = transparent(2, 3, zero, 1e-6).with("q_weight", 1e-9, 0, -1e-9, 1e-8, 1e-9, 0);
        Engram layer = each.on(backend);
        RandomStream random = RandomStream.of(seed);
        Shape shape = Shape.of(1, 4, 2, 3);
        Tensor x = Autograd.leaf(backend.tensors().doubles(shape, EngramCase.gaussian(random, shape)));
        Shape wide = Shape.of(1, 4, 9);
        Tensor memory = Autograd.leaf(backend.tensors().doubles(wide, EngramCase.gaussian(random, wide)));
        Gradients gradients = Autograd.backward(
                layer.forward(x, memory, Context.training()),
                backend.tensors().doubles(shape, EngramCase.gaussian(random, shape)));
        assertTrue(DoubleStream.of(gradients.of(x).toDoubles()).allMatch(g -> g == 0));
        double[] dMemory = gradients.of(memory).toDoubles();
        for (int i = 0; i < dMemory.length; i++) {
            assertEquals(i % 9 < 6, dMemory[i] == 0, "keys get nothing, values do");
        }
    }

    @Property(tries = 30)
    void gradientsOfStatesAreOrthogonalButForEps(@ForAll @IntRange(min = 0, max = 99) int seed) {
        double eps = 0.01;
        Pass pass = Pass.of(
                EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 2)).withEps(eps), 4, seed);
        EngramConfig config = pass.each().config();
        var naive = new NaiveEngram(config);
        NaiveEngram.Weights w = pass.each().weights();
        int[] rows = config.hash()
                .init()
                .rows(TestBackends.oracle().tensors().ints(Shape.of(1, 4), pass.ids()))
                .of(2)
                .toInts();
        NaiveEngram.Saved saved = naive.forward(w, 1, 4, pass.x(), rows, NaiveEngramTest.live(4));
        double[] dx = gradient(pass.run(), "x").toDoubles();
        int d = config.width();
        for (int s = 0; s < saved.raw().length; s++) {
            double scale = saved.inverseX()[s] * saved.inverseK()[s] / Math.sqrt(d);
            double upstream = 0;
            double along = 0;
            for (int i = 0; i < d; i++) {
                int value = (s / config.streams() * (config.streams() + 1) + config.streams()) * d + i;
                upstream += pass.upstream()[s * d + i] * saved.kv()[value];
                along += pass.x()[s * d + i] * dx[s * d + i];
            }
            double g = saved.gate()[s];
            double dRaw = upstream * g * (1 - g) / 2 * Math.sqrt(scale / Math.abs(saved.raw()[s]));
            double expected = dRaw * saved.raw()[s] * eps * saved.inverseX()[s] * saved.inverseX()[s];
            assertEquals(expected, along, 1e-9 * (1 + Math.abs(expected)));
        }
    }

    @Property(tries = 20)
    void aValueOfZeroLeavesTheStreams(
            @ForAll(supplier = AnyBackend.class) Backend backend, @ForAll @IntRange(min = 0, max = 99) int seed) {
        var config = EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 2))
                .withConvolution(Convolution.ofKernel(3, 2));
        Pass pass = Pass.of(config, 4, seed);
        double[] projection = pass.each().get("wkv.weight").clone();
        Arrays.fill(projection, config.streams() * config.width() * config.memoryWidth(), projection.length, 0);
        Tensor streams = backend.tensors().doubles(pass.shape(), pass.x());
        Tensor ids = backend.tensors().ints(Shape.of(1, 4), pass.ids());
        Engram silent = pass.each().with("wkv.weight", projection).on(backend);
        assertArrayEquals(streams.toDoubles(), silent.addTo(streams, ids).toDoubles());

        EngramCase still = pass.each().with("conv.weight", new double[pass.each().get("conv.weight").length]);
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
        EngramCase open = transparent(2, 3, GateZero.SIGN, 1e-6);
        EngramConfig config = open.config().withConvolution(Convolution.ofKernel(kernel, dilation));
        EngramCase each = new EngramCase(config, open.values());
        double[] ones = new double[2 * 3];
        Arrays.fill(ones, 1);
        double[] taps = new double[2 * 3 * kernel];
        Arrays.setAll(taps, i -> 0.5 + i % 5);
        Engram layer = each.with("conv.norm_weight", ones).with("conv.weight", taps).on(backend);
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
            layer.forward(slice(x, from, from + 1), rejected.advance(Context.inference(guess).at(from)));
            Context context = cache.advance(Context.inference(slice(ids, from, to)).at(from));
            Compare.assertClose(
                    "tokens from " + from,
                    slice(whole, from, to),
                    layer.forward(slice(x, from, to), context),
                    Tolerance.of(backend, config.memoryWidth()).withFloor(1));
        }
        assertEquals(tokens, cache.length());
    }

    private static Tensor slice(Tensor x, int from, int to) {
        return org.filigree.core.op.Slice.slice(x, 1, from, to);
    }

    @Property(tries = 30)
    void deadTokensAreSilentAndHideWhatIsBehindThem(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("forms") EngramConfig config,
            @ForAll @IntRange(min = 0, max = 99) int seed) {
        Pass pass = Pass.of(config, 9, seed);
        int[] ids = pass.ids().clone();
        ids[4] = -1;
        Engram layer = pass.each().on(backend);
        Tensor x = backend.tensors().doubles(pass.shape(), pass.x());
        Tensor idsTensor = backend.tensors().ints(Shape.of(1, 9), ids);
        double[] y = layer.addTo(x, idsTensor).toDoubles();
        int row = config.streams() * config.width();
        assertArrayEquals(
                Arrays.copyOfRange(pass.x(), 4 * row, 5 * row), Arrays.copyOfRange(y, 4 * row, 5 * row));
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
        Pass pass = Pass.of(config, 6, seed);
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
        assertEquals(config.tableElements(8) + config.denseElements(), layer.parameters().elements());
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
                config.init(backend, RandomStream.of(5), 8).parameters().get("wkv.weight").value().toDoubles());
    }

    @Example
    void saysWhatIsWrong() {
        Backend backend = TestBackends.get("scalar");
        Engram layer = EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 2))
                .init(backend, RandomStream.of(5));
        Tensor streams = backend.tensors().zeros(Shape.of(1, 3, 4, 5));
        Tensor ids = backend.tensors().ints(Shape.of(1, 3), new int[3]);
        assertThrows(IllegalStateException.class, () -> layer.forward(streams, Context.inference()));
        assertThrows(IllegalStateException.class, () -> layer.forward(streams, Context.inference(ids).at(1)));
        Tensor others = backend.tensors().zeros(Shape.of(1, 3, 2, 5));
        assertThrows(ShapeException.class, () -> layer.addTo(others, ids));
        Tensor shorter = backend.tensors().ints(Shape.of(1, 2), new int[2]);
        assertThrows(ShapeException.class, () -> layer.addTo(streams, shorter));
        EngramCache cache = EngramCache.of(layer.hash(), 1);
        assertThrows(IllegalStateException.class, () -> cache.advance(Context.inference(ids).at(1)));
        NgramRows elsewhere =
                NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 5).init().rows(ids);
        Context wrong = Context.inference().with(NgramRows.KEY, elsewhere);
        var refused = assertThrows(IllegalArgumentException.class, () -> layer.forward(streams, wrong));
        assertTrue(refused.toString().contains("layer 2"), refused.toString());
        assertThrows(IllegalArgumentException.class, () -> layer.config().withStreams(0));
        assertThrows(IllegalArgumentException.class, () -> layer.config().withEps(-1));
        assertThrows(IllegalArgumentException.class, () -> Convolution.ofKernel(0, 1));
    }

    private static Tensor gradient(EngramCase.Result result, String path) {
        return Objects.requireNonNull(result.gradients().get(path), path);
    }

    @Provide
    Arbitrary<EngramConfig> forms() {
        return Arbitraries.of(EngramCase.forms());
    }

    @Provide
    Arbitrary<double[]> scores() {
        return Arbitraries.of(0.0, 1e-12, 5e-7, 9e-7, 1e-6, 2e-6, 1e-3, 0.3, 1.0, 5.66, 100.0)
                .array(double[].class)
                .ofMinSize(1)
                .ofMaxSize(12);
    }
}
