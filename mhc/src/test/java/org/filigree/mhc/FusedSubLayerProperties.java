package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.tanh;
import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.Reduce;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.function.Executable;

/** The fused pass on the vector backend, at widths that it takes: values and every gradient. */
class FusedSubLayerProperties {
    private static final Backend VECTOR = TestBackends.get("vector");

    @Property(tries = 40)
    void equalsThePlainLoops(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 2) int panels,
            @ForAll @IntRange(min = 1, max = 37) int tokens,
            @ForAll long seed) {
        int width = panels * TileProducts.PANEL;
        StepCase step = StepCase.random(n, width, RandomStream.of(seed), tokens);
        assertTrue(step.connections(VECTOR).fused().isPresent());
        Map<String, double[]> naive = step.naive();
        Tolerance tolerance = Tolerance.of(VECTOR, (long) n * width + 40).withFloor(1);
        step.on(VECTOR).forEach((name, values) -> assertClose(name, StepCase.result(naive, name), values, tolerance));
    }

    /** Enough tokens for several ranges with sums of their own, the last one shorter. */
    @Example
    void manyTokens() {
        StepCase step = StepCase.random(4, TileProducts.PANEL, RandomStream.of(3), 2, 291);
        Map<String, double[]> naive = step.naive();
        Tolerance tolerance = Tolerance.of(VECTOR, 582).withFloor(1);
        step.on(VECTOR).forEach((name, values) -> assertClose(name, StepCase.result(naive, name), values, tolerance));
    }

    @Property(tries = 10)
    void sameBitsWhateverTheThreads(@ForAll @IntRange(min = 1, max = 8) int n, @ForAll long seed) {
        StepCase step = StepCase.random(n, TileProducts.PANEL, RandomStream.of(seed), 75);
        Map<String, double[]> one = onThreads(step, 1);
        for (int threads = 2; threads <= 3; threads++) {
            onThreads(step, threads)
                    .forEach((name, values) -> assertArrayEquals(StepCase.result(one, name), values, name));
        }
    }

    /** Neither a token's place among four or sixteen nor its neighbours change a bit. */
    @Property(tries = 20)
    void tokensAreIndependentBitForBit(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 41) int tokens,
            @ForAll long seed) {
        int width = TileProducts.PANEL;
        RandomStream random = RandomStream.of(seed);
        StepCase step = StepCase.random(n, width, random, tokens);
        int[] order = random.fork("order").permutation(tokens);
        var permuted = new StepCase(
                step.config(),
                permuted(step.x(), order),
                step.fn(),
                step.base(),
                step.scale(),
                step.f(),
                permuted(step.upstream(), order));
        double[][] expected = streamsAndGradient(step);
        double[][] actual = streamsAndGradient(permuted);
        for (int i = 0; i < expected.length; i++) {
            assertArrayEquals(permuted(expected[i], order), actual[i]);
        }
    }

    private static double[][] streamsAndGradient(StepCase step) {
        Tensor streams = Autograd.leaf(step.x().on(VECTOR));
        Tensor next = step.connections(VECTOR).apply(streams, u -> tanh(u));
        Tensor gradient = Autograd.backward(next, step.upstream().on(VECTOR)).of(streams);
        return new double[][] {next.toDoubles(), gradient.toDoubles()};
    }

    private static Sample permuted(Sample sample, int[] order) {
        return Sample.real(sample.name(), sample.shape(), permuted(sample.values(), order));
    }

    private static double[] permuted(double[] rows, int[] order) {
        int size = rows.length / order.length;
        double[] out = new double[rows.length];
        for (int t = 0; t < order.length; t++) {
            System.arraycopy(rows, order[t] * size, out, t * size, size);
        }
        return out;
    }

    /** What leads past F in the graph must not be taken for X: here F reads X itself, X′ is used twice, and so are the connections. */
    @Property(tries = 15)
    void streamsAndConnectionsMayBeUsedTwice(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 19) int tokens,
            @ForAll long seed) {
        StepCase step = StepCase.random(n, TileProducts.PANEL, RandomStream.of(seed), tokens);
        Map<String, double[]> composed = usedTwice(step, TestBackends.get("scalar"));
        // Two steps and a product.
        Tolerance tolerance = Tolerance.of(VECTOR, (long) n * TileProducts.PANEL + 40)
                .times(3)
                .withFloor(1);
        usedTwice(step, VECTOR)
                .forEach((name, values) -> assertClose(name, StepCase.result(composed, name), values, tolerance));
    }

    private static Map<String, double[]> usedTwice(StepCase step, Backend backend) {
        HyperConnections connections = step.connections(backend);
        Tensor x = Autograd.leaf(step.x().on(backend));
        Tensor once = connections.apply(x, u -> add(tanh(u), Reduce.sum(x, -2)));
        Tensor twice = connections.apply(once, u -> add(tanh(u), Reduce.sum(once, -2)));
        Tensor out = multiply(add(twice, once), x);
        Gradients gradients = Autograd.backward(out, step.upstream().on(backend));
        var results = new LinkedHashMap<String, double[]>();
        results.put("out", out.toDoubles());
        results.put("dx", gradients.of(x).toDoubles());
        connections
                .parameters()
                .forEach((name, parameter) ->
                        results.put(name, gradients.of(parameter.value()).toDoubles()));
        return results;
    }

    private static Map<String, double[]> onThreads(StepCase step, int threads) {
        String property = "filigree.vector.threads";
        String before = System.getProperty(property);
        System.setProperty(property, String.valueOf(threads));
        try (Backend backend = Backends.open("vector")) {
            return step.on(backend);
        } finally {
            if (before == null) {
                System.clearProperty(property);
            } else {
                System.setProperty(property, before);
            }
        }
    }

    /** F need not read, and need not write: then nothing comes back on one of the edges. */
    @Example
    void subLayersThatIgnoreTheirInputOrHaveNone() {
        StepCase step = StepCase.random(3, TileProducts.PANEL, RandomStream.of(5), 7);
        Sample constant = Sample.gaussian("y", RandomStream.of(6), 7, TileProducts.PANEL);
        assertClose(
                "dx",
                gradient(step, constant, TestBackends.get("scalar")),
                gradient(step, constant, VECTOR),
                Tolerance.of(VECTOR, 3L * TileProducts.PANEL).withFloor(1));
    }

    private static double[] gradient(StepCase step, Sample constant, Backend backend) {
        Tensor streams = Autograd.leaf(step.x().on(backend));
        Tensor y = constant.on(backend);
        Tensor next = step.connections(backend).apply(streams, u -> y);
        return Autograd.backward(next, step.upstream().on(backend)).of(streams).toDoubles();
    }

    /** A loss on F's input alone, which never sees X′. */
    @Example
    void lossInsideTheSubLayer() {
        StepCase step = StepCase.random(4, TileProducts.PANEL, RandomStream.of(7), 5);
        assertClose(
                "dx",
                innerGradient(step, TestBackends.get("scalar")),
                innerGradient(step, VECTOR),
                Tolerance.of(VECTOR, 4L * TileProducts.PANEL).withFloor(1));
    }

    private static double[] innerGradient(StepCase step, Backend backend) {
        Tensor streams = Autograd.leaf(step.x().on(backend));
        var read = new Tensor[1];
        step.connections(backend).apply(streams, u -> read[0] = u);
        Gradients gradients = Autograd.backward(Reduce.sum(read[0]));
        return gradients.of(streams).toDoubles();
    }

    /** The lagged form: weights of reading travel from step to step, and out of the streams. */
    @Property(tries = 15)
    void laggedStepsAgreeWithTheComposition(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 19) int tokens,
            @ForAll long seed) {
        StepCase step = StepCase.random(n, TileProducts.PANEL, RandomStream.of(seed), tokens);
        Map<String, double[]> composed = lagged(step, TestBackends.get("scalar"));
        // Three steps, each of them as long a chain of roundings as the single one above.
        Tolerance tolerance = Tolerance.of(VECTOR, (long) n * TileProducts.PANEL + 40)
                .times(3)
                .withFloor(1);
        lagged(step, VECTOR)
                .forEach((name, values) -> assertClose(name, StepCase.result(composed, name), values, tolerance));
    }

    private static Map<String, double[]> lagged(StepCase step, Backend backend) {
        HyperConnections connections = HyperConnections.of(
                        step.config().streams(), step.config().width(), Mixing.lagged(20))
                .over(step.connections(backend).parameters());
        Tensor inner = step.f().on(backend);
        Tensor streams = Autograd.leaf(step.x().on(backend));
        Carried carried = Carried.start(streams);
        for (int i = 0; i < 3; i++) {
            carried = connections.step(carried, u -> tanh(matmulTransposed(u, inner)), Context.training());
        }
        Tensor out = carried.finish();
        Gradients gradients = Autograd.backward(
                out, MixWeights.collapse(step.upstream().on(backend), Autograd.detach(carried.pre())));
        var results = new LinkedHashMap<String, double[]>();
        results.put("out", out.toDoubles());
        results.put("dx", gradients.of(streams).toDoubles());
        connections
                .parameters()
                .forEach((name, parameter) ->
                        results.put(name, gradients.of(parameter.value()).toDoubles()));
        return results;
    }

    /** A width of 1 would be broadcast, and another size be read beyond its end. */
    @Example
    void outputOfAnotherShapeIsRefusedOnEveryWay() {
        int width = TileProducts.PANEL;
        FunctionLayer[] wrong = {u -> Reduce.sum(u, -1), u -> slice(u, -1, 0, 1), u -> concat(-1, u, u)};
        for (String name : List.of("vector", "scalar")) {
            Backend backend = TestBackends.get(name);
            Sample x = Sample.gaussian("x", RandomStream.of(7), 5, 4, width);
            Tensor streams = x.on(backend);
            Tensor single =
                    Sample.gaussian("x", RandomStream.of(7), 5, 1, width).on(backend);
            for (FunctionLayer layer : wrong) {
                refuses(() -> HyperConnections.of(1, width, Mixing.residual())
                        .around(layer, backend, RandomStream.of(1))
                        .forward(single, Context.training()));
                refuses(() -> HyperConnections.of(4, width, Mixing.lagged(20))
                        .around(layer, backend, RandomStream.of(1))
                        .forward(Carried.start(streams), Context.training()));
                HyperConnected chain = HyperConnections.of(4, width, Mixing.sinkhorn(20))
                        .around(layer, backend, RandomStream.of(1))
                        .then(layer);
                refuses(() -> chain.forward(streams, Context.training()));
                refuses(() -> chain.withRecomputation(Recomputation.blocks(2)).forward(streams, Context.training()));
            }
        }
    }

    /** A layer without parameters. */
    private interface FunctionLayer extends Layer {
        Tensor of(Tensor u);

        @Override
        default Tensor forward(Tensor u, Context context) {
            return of(u);
        }

        @Override
        default ParameterMap parameters() {
            return ParameterMap.empty();
        }
    }

    private static void refuses(Executable call) {
        String message = Thrown.message(ShapeException.class, call);
        assertTrue(message.contains("the sub-layer gave [5") && message.contains("for [5, "), message);
    }

    @Example
    void operandsOfAnotherBackendOrTypeAreRefused() {
        int width = TileProducts.PANEL;
        StepCase step = StepCase.random(4, width, RandomStream.of(7), 5);
        HyperConnections connections = step.connections(VECTOR);
        Backend scalar = TestBackends.get("scalar");
        Tensor elsewhere = step.x().on(scalar);
        Tensor streams = step.x().on(VECTOR);
        Tensor whole = VECTOR.tensors().ints(Shape.of(5, 4, width), new int[5 * 4 * width]);
        assertRefused("on vector", () -> connections.apply(elsewhere, u -> u));
        assertRefused("streams [5, 4, " + width + "] is INT32", () -> connections.apply(whole, u -> u));
        Tensor away = scalar.tensors().zeros(Shape.of(5, width));
        assertRefused("on vector", () -> connections.apply(streams, u -> away));
        Tensor integers = VECTOR.tensors().ints(Shape.of(5, width), new int[5 * width]);
        assertRefused(
                "output of the sub-layer [5, " + width + "] is INT32", () -> connections.apply(streams, u -> integers));
        HyperConnections lagged =
                HyperConnections.of(4, width, Mixing.lagged(20)).over(connections.parameters());
        var carried = new Carried(streams, scalar.tensors().zeros(Shape.of(5, 4)));
        assertRefused("on vector", () -> lagged.step(carried, u -> u, Context.training()));
    }

    private static void assertRefused(String part, Executable call) {
        String message = Thrown.message(ShapeException.class, call);
        assertTrue(message.startsWith("hyper-connections: ") && message.contains(part), message);
    }
}
