package org.filigree.mhc;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.tanh;
import static org.filigree.core.op.Reduce.mean;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.flatten;
import static org.filigree.core.op.RmsNorm.rmsNorm;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;

class HyperConnectionsProperties {
    private static final double EPS = 1e-6;

    @Property(tries = 150)
    void stepEqualsThePlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll(supplier = AnyForm.class) Mixing mixing,
            @ForAll @IntRange(min = 1, max = 8) int streams,
            @ForAll @IntRange(min = 1, max = 9) int width,
            @ForAll @IntRange(min = 1, max = 5) int tokens,
            @ForAll long seed) {
        int n = AnyForm.streams(mixing, streams);
        StepCase step = StepCase.random(mixing, n, width, RandomStream.of(seed), 2, tokens);
        Map<String, double[]> naive = step.naive();
        Tolerance tolerance = Tolerance.of(backend, (long) n * width + 40).withFloor(1);
        step.on(backend).forEach((name, values) -> assertClose(name, StepCase.result(naive, name), values, tolerance));
    }

    @Property(tries = 30)
    void plainLoopsAgreeWithCentralDifferences(
            @ForAll(supplier = AnyForm.class) Mixing mixing,
            @ForAll @IntRange(min = 1, max = 4) int streams,
            @ForAll @IntRange(min = 1, max = 4) int width,
            @ForAll long seed) {
        StepCase step = StepCase.random(mixing, AnyForm.streams(mixing, streams), width, RandomStream.of(seed), 2);
        Map<String, double[]> naive = step.naive();
        for (Sample operand : new Sample[] {step.x(), step.fn(), step.base(), step.scale(), step.f()}) {
            assertClose(
                    operand.name(),
                    CentralDifferences.of(operand.values(), step::loss),
                    StepCase.result(naive, "grad." + operand.name()),
                    Tolerance.relative(1e-7).withFloor(1));
        }
    }

    @Property(tries = 40)
    void weightsStayInTheirRanges(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = 1, max = 100) double size,
            @ForAll long seed) {
        StepCase step = StepCase.random(n, 3, RandomStream.of(seed), 3);
        MixWeights weights = step.connections(backend).weights(scale(step.x().on(backend), size));
        double rounding = 1e-6;
        assertTrue(within(weights.pre(), EPS, 1 + EPS, rounding));
        assertTrue(within(weights.post(), 0, 2, rounding));
        assertTrue(within(weights.comb(), 0, 1, rounding));
    }

    @Property(tries = 40)
    void withoutSubLayerStreamsStayInTheirHull(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        StepCase step = StepCase.random(n, 5, RandomStream.of(seed), 3);
        Tensor streams = step.x().on(backend);
        double[] old = streams.toDoubles();
        double[] mixed =
                step.connections(backend).apply(streams, u -> scale(u, 0)).toDoubles();
        for (int i = 0; i < mixed.length; i++) {
            int token = i / (n * 5);
            double low = Double.POSITIVE_INFINITY;
            double high = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < n; j++) {
                double value = old[token * n * 5 + j * 5 + i % 5];
                low = Math.min(low, value);
                high = Math.max(high, value);
            }
            assertTrue(mixed[i] >= low - 1e-5 && mixed[i] <= high + 1e-5, low + " " + mixed[i] + " " + high);
        }
    }

    @Property(tries = 30)
    void equalStreamsStayEqualWithoutSubLayer(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        StepCase step = StepCase.random(n, 4, RandomStream.of(seed), 3);
        Tensor x = Sample.gaussian("x", RandomStream.of(seed), 3, 4).on(backend);
        Tensor streams = Streams.expand(x, n);
        Tensor after = step.connections(backend).apply(streams, u -> scale(u, 0));
        assertClose("streams", streams, after, Tolerance.relative(3e-6).withFloor(1));
    }

    @Property(tries = 30)
    void weightsIgnoreTheSizeOfTheStreams(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @DoubleRange(min = 0.1, max = 100) double size,
            @ForAll long seed) {
        StepCase drawn = StepCase.random(4, 3, RandomStream.of(seed), 3);
        StepCase step = drawn.with(drawn.config().withNormEps(1e-30), drawn.scale());
        HyperConnections connections = step.connections(backend);
        MixWeights one = connections.weights(step.x().on(backend));
        MixWeights scaled = connections.weights(scale(step.x().on(backend), size));
        Tolerance tolerance = Tolerance.of(backend, 12).times(4);
        assertClose("pre", one.pre(), scaled.pre(), tolerance);
        assertClose("post", one.post(), scaled.post(), tolerance);
        assertClose("comb", one.comb(), scaled.comb(), tolerance);
    }

    @Property(tries = 30)
    void normalisingFirstIsTheSameAndANormWeightMayBeFolded(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 9) int width,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Tensor streams = Sample.gaussian("x", random, 3, n, width).on(backend);
        Tensor fn = Sample.gaussian("fn", random, 5, n * width).on(backend);
        Tensor weight = Sample.gaussian("weight", random, n * width).on(backend);
        Tensor normalised = multiply(rmsNorm(flatten(streams, -2, -1), EPS), weight);
        assertClose(
                "projection",
                matmulTransposed(normalised, fn),
                NormalisedProjection.of(streams, multiply(fn, weight), EPS),
                Tolerance.of(backend, (long) n * width).withFloor(Math.sqrt(n * width)));
    }

    @Property(tries = 30)
    void theGradientOfTheNormIsOrthogonalToTheStreamsButForEpsilon(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 9) int width,
            @ForAll @DoubleRange(min = 0, max = 2) double normEps,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Tensor streams = Autograd.leaf(Sample.gaussian("x", random, 1, n, width).on(backend));
        Tensor fn = Sample.gaussian("fn", random, 5, n * width).on(backend);
        Tensor m = NormalisedProjection.of(streams, fn, normEps);
        Tensor dm = Sample.gaussian("dm", random, 1, 5).on(backend);
        Tensor dx = Autograd.backward(m, dm).of(streams);
        double meanSquare = inner(streams, streams) / (n * width);
        double expected = inner(m, dm) * normEps / (meanSquare + normEps);
        double size = Math.sqrt(inner(streams, streams) * inner(dx, dx)) + Math.abs(inner(m, dm));
        assertEquals(expected, inner(streams, dx), 16 * 0x1p-24 * Math.sqrt(n * width) * (size + 5));
    }

    @Property(tries = 20)
    void withoutScaleWeightsAreStatic(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        StepCase drawn = StepCase.random(n, 3, RandomStream.of(seed), 4);
        StepCase step = drawn.with(drawn.config(), drawn.scale().map(v -> 0));
        Map<String, double[]> results = step.on(backend);
        for (String name : new String[] {"pre", "post", "comb"}) {
            double[] weights = StepCase.result(results, name);
            int ofToken = weights.length / 4;
            for (int i = 0; i < weights.length; i++) {
                assertEquals(weights[i % ofToken], weights[i], name);
            }
        }
        assertTrue(Arrays.stream(StepCase.result(results, "grad.fn")).allMatch(g -> g == 0));
    }

    @Property(tries = 30)
    void readingAndWritingHaveTheirAdjoints(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Tensor x = Autograd.leaf(Sample.gaussian("x", random, 3, n, 5).on(backend));
        Tensor y = Autograd.leaf(Sample.gaussian("y", random, 3, 5).on(backend));
        var weights = new MixWeights(
                Sample.gaussian("pre", random, 3, n).on(backend),
                Sample.gaussian("post", random, 3, n).on(backend),
                Sample.gaussian("comb", random, 3, n, n).on(backend));
        Tensor u = Sample.gaussian("u", random, 3, 5).on(backend);
        Tensor collapsed = weights.collapse(x);
        Tensor dx = Autograd.backward(collapsed, u).of(x);
        // Both sides are exact sums of products with rounded results, each a sum over streams.
        Tolerance tolerance = Tolerance.of(backend, n + 1);
        assertClose(
                "reading",
                new double[] {inner(collapsed, u)},
                new double[] {inner(x, dx)},
                tolerance.withFloor(size(weights.pre()) * size(x) * size(u)));
        Tensor upstream = Sample.gaussian("upstream", random, 3, n, 5).on(backend);
        Tensor combined = weights.combine(x, y);
        var gradients = Autograd.backward(combined, upstream);
        double weight = size(weights.comb()) * size(x) + size(weights.post()) * size(y);
        assertClose(
                "writing",
                new double[] {inner(combined, upstream)},
                new double[] {inner(x, gradients.of(x)) + inner(y, gradients.of(y))},
                tolerance.withFloor(weight * size(upstream)));
    }

    @Property(tries = 20)
    void expansionIsUndoneByTheMean(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        Tensor x =
                Autograd.leaf(Sample.gaussian("x", RandomStream.of(seed), 2, 3).on(backend));
        Tensor streams = Streams.expand(x, n);
        assertClose("mean", x, mean(streams, -2), Tolerance.of(backend, n));
        Tensor ones = backend.tensors().full(streams.shape(), 1);
        Tensor expected = backend.tensors().full(x.shape(), n);
        assertClose("gradient", expected, Autograd.backward(streams, ones).of(x), Tolerance.EXACT);
    }

    @Property(tries = 20)
    void oneHotWeightsGiveAPlainResidual(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        HyperConnections connections = HyperConnections.of(n, 4, Mixing.fixed()).init(backend, RandomStream.of(seed));
        Tensor streams = Sample.gaussian("x", RandomStream.of(seed), 3, n, 4).on(backend);
        Tensor first = sum(multiply(streams, backend.tensors().doubles(Shape.of(n, 1), oneHot(n))), -2);
        Tensor after = connections.apply(streams, u -> tanh(u));
        Tensor expected = add(streams, Streams.expand(tanh(first), n));
        assertClose("streams", expected, after, Tolerance.of(backend, n));
    }

    @Property(tries = 20)
    void hyperConnectionsStartAsAPreNormNetwork(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 5) int n,
            @ForAll @IntRange(min = 1, max = 6) int depth,
            @ForAll long seed) {
        for (Mixing mixing : new Mixing[] {Mixing.fixed(), Mixing.dynamic()}) {
            Tensor plain = Sample.gaussian("x", RandomStream.of(seed), 3, 4).on(backend);
            Tensor streams = Streams.expand(plain, n);
            for (int l = 0; l < depth; l++) {
                plain = add(plain, tanh(rmsNorm(plain, EPS)));
                streams = HyperConnections.of(n, 4, mixing)
                        .init(backend, RandomStream.of(seed), l)
                        .apply(streams, u -> tanh(rmsNorm(u, EPS)));
            }
            assertArrayEquals(Streams.expand(plain, n).toDoubles(), streams.toDoubles());
            assertClose("total", scale(plain, n), Streams.total(streams), Tolerance.of(backend, n));
        }
    }

    @Property(tries = 20)
    void manifoldConstrainedStartIsNearAPreNormNetwork(
            @ForAll(supplier = AnyBackend.class) Backend backend, @ForAll long seed) {
        Tensor plain = Sample.gaussian("x", RandomStream.of(seed), 3, 4).on(backend);
        Tensor streams = Streams.expand(plain, 4);
        for (int l = 0; l < 8; l++) {
            plain = add(plain, tanh(rmsNorm(plain, 1e-12)));
            streams = HyperConnections.of(4, 4, Mixing.sinkhorn(20))
                    .init(backend, RandomStream.of(seed), l)
                    .apply(streams, u -> tanh(rmsNorm(u, 1e-12)));
        }
        assertClose("mean", plain, mean(streams, -2), Tolerance.relative(1e-4).withFloor(1));
    }

    @Property(tries = 30)
    void tokensAreIndependent(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 6) int n,
            @ForAll @IntRange(min = 1, max = 9) int tokens,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        StepCase step = StepCase.random(n, 3, random, tokens);
        HyperConnections connections = step.connections(backend);
        Tensor order =
                backend.tensors().ints(Shape.of(tokens), random.fork("order").permutation(tokens));
        Tensor streams = step.x().on(backend);
        Tensor permutedAfter = gather(connections.apply(streams, u -> tanh(u)), order);
        Tensor permutedBefore = connections.apply(gather(streams, order), u -> tanh(u));
        assertClose("streams", permutedAfter, permutedBefore, Tolerance.of(backend, 3L * n));
    }

    @Property(tries = 30)
    void streamsMayBeRenumbered(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 6) int n,
            @ForAll boolean wide,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        int width = wide ? TileProducts.PANEL : 3;
        StepCase step = StepCase.random(n, width, random, 4);
        int[] order = random.fork("order").permutation(n);
        int[] rows = rowsOf(order);
        int[] columns = new int[n * width];
        Arrays.setAll(columns, i -> order[i / width] * width + i % width);
        var renumbered = new StepCase(
                step.config(),
                step.x(),
                Sample.real("fn", step.fn().shape(), taken(step.fn().values(), rows, columns)),
                Sample.real("base", step.base().shape(), taken(step.base().values(), rows, new int[1])),
                step.scale(),
                step.f(),
                step.upstream());
        Tensor streams = step.x().on(backend);
        Tensor expected = renumbered(step.connections(backend).apply(streams, u -> tanh(u)), order);
        Tensor actual = renumbered.connections(backend).apply(renumbered(streams, order), u -> tanh(u));
        assertClose(
                "streams",
                expected,
                actual,
                Tolerance.of(backend, (long) n * width + 40).times(2));
    }

    @Property(tries = 30)
    void headWeightsDoNotSumToOne(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Tensor streams = Sample.gaussian("x", random, 3, n, 4).on(backend);
        HyperHead head = HyperConnections.of(n, 4, Mixing.sinkhorn(20)).initHead(backend);
        if (n > 1) {
            assertClose(
                    "mean",
                    mean(streams, -2),
                    head.forward(streams),
                    Tolerance.relative(1e-5).withFloor(1));
        }
        Tensor drawn = Sample.gaussian("base", random, n).map(v -> 4 * v).on(backend);
        head.parameters().get("base").assign(drawn);
        double[] sums = sum(head.weights(streams), -1).toDoubles();
        for (double total : sums) {
            assertTrue(total > n * EPS && total < n * (1 + EPS) * (1 + 1e-6), "weights sum to " + total);
        }
        head.parameters().get("base").assign(backend.tensors().zeros(Shape.of(n)));
        Tensor half = scale(Streams.total(streams), 0.5);
        assertClose(
                "half", half, head.forward(streams), Tolerance.relative(1e-5).withFloor(n));
    }

    private static boolean within(Tensor values, double low, double high, double rounding) {
        return Arrays.stream(values.toDoubles()).allMatch(v -> v >= low - rounding && v <= high + rounding);
    }

    private static double inner(Tensor a, Tensor b) {
        double[] x = a.toDoubles();
        double[] y = b.toDoubles();
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }

    private static double size(Tensor values) {
        return Math.sqrt(inner(values, values));
    }

    private static double[] oneHot(int n) {
        double[] values = new double[n];
        values[0] = 1;
        return values;
    }

    private static int[] rowsOf(int[] order) {
        int n = order.length;
        int[] rows = new int[n * (n + 2)];
        for (int j = 0; j < n; j++) {
            rows[j] = order[j];
            rows[n + j] = n + order[j];
            for (int k = 0; k < n; k++) {
                rows[2 * n + j * n + k] = 2 * n + order[j] * n + order[k];
            }
        }
        return rows;
    }

    private static double[] taken(double[] matrix, int[] rows, int[] columns) {
        double[] out = new double[rows.length * columns.length];
        for (int r = 0; r < rows.length; r++) {
            for (int c = 0; c < columns.length; c++) {
                out[r * columns.length + c] = matrix[rows[r] * columns.length + columns[c]];
            }
        }
        return out;
    }

    private static Tensor renumbered(Tensor streams, int[] order) {
        int n = streams.dim(1);
        int[] rows = new int[streams.dim(0) * n];
        Arrays.setAll(rows, i -> i / n * n + order[i % n]);
        Backend backend = Backend.of(streams);
        Tensor flat = streams.viewedAs(Shape.of(rows.length, streams.dim(2)));
        return gather(flat, backend.tensors().ints(Shape.of(rows.length), rows)).viewedAs(streams.shape());
    }
}
