package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.tanh;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import tools.jackson.databind.JsonNode;

/** Golden numbers of an independent implementation in float64. */
class GoldenTest {
    /** Both sides compute in float64; a step of mHC is some hundred roundings. */
    private static final Tolerance DOUBLE = Tolerance.float64(1000);

    @Test
    void naiveSinkhornEqualsTheGoldenCases() {
        for (JsonNode golden : Golden.entry("sinkhorn")) {
            String name = golden.required("name").asString() + " x " + golden.required("repeat");
            double[] logits = Golden.values(golden, "logits");
            var naive = naive(golden, "repeat", "eps");
            assertClose(name, Golden.values(golden, "comb"), naive.forward(logits), DOUBLE);
            double[] upstream = Golden.values(golden, "grad_out");
            assertClose(
                    name + " gradient",
                    Golden.values(golden, "grad_logits"),
                    naive.backward(logits, upstream),
                    DOUBLE.withFloor(1));
        }
    }

    @ParameterizedTest
    @EveryBackend
    void sinkhornEqualsTheGoldenCases(Backend backend) {
        for (JsonNode golden : Golden.entry("sinkhorn")) {
            String name = golden.required("name").asString() + " x " + golden.required("repeat");
            Tensor logits = Autograd.leaf(Golden.sample(golden, "logits").on(backend));
            Tensor comb = Sinkhorn.sinkhorn(
                    logits,
                    golden.required("repeat").asInt(),
                    golden.required("eps").asDouble());
            assertClose(name, Golden.values(golden, "comb"), comb, Tolerance.of(backend, 40));
            assertClose(
                    name + " gradient",
                    Golden.values(golden, "grad_logits"),
                    Autograd.backward(comb, Golden.sample(golden, "grad_out").on(backend))
                            .of(logits),
                    Tolerance.of(backend, 40).withFloor(1));
        }
    }

    @Test
    void starvedColumnsShowWhatEpsilonIsFor() {
        for (JsonNode golden : Golden.entry("sinkhorn_adversarial")) {
            String name = golden.required("name").asString() + ", eps " + golden.required("eps");
            double[] comb = naive(golden, "repeat", "eps").forward(Golden.values(golden, "logits"));
            if (golden.required("comb").isNull()) {
                assertTrue(Arrays.stream(comb).anyMatch(Double::isNaN), name + " has no NaN");
            } else {
                assertClose(name, Golden.values(golden, "comb"), comb, DOUBLE);
            }
        }
    }

    @Test
    void thePaperFormIsTheTransposeAtEpsilonZero() {
        for (JsonNode golden : Golden.entry("sinkhorn_paper_form")) {
            double[] logits = Golden.values(golden, "logits");
            int n = (int) Math.sqrt(logits.length);
            var naive = new NaiveSinkhorn(n, golden.required("t_max").asInt(), 0);
            var paper = new NaivePaperSinkhorn(n, golden.required("t_max").asInt());
            assertClose("paper form", Golden.values(golden, "H_res"), transposed(paper.forward(logits), n), DOUBLE);
            assertClose(
                    "released form of the transpose",
                    Golden.values(golden, "H_res"),
                    transposed(naive.forward(transposed(logits, n)), n),
                    DOUBLE);
        }
    }

    @ParameterizedTest
    @EveryBackend
    void oneSubLayer(Backend backend) {
        JsonNode golden = Golden.entry("sublayer_n4");
        StepCase step = new StepCase(
                configOf(golden, "x"),
                Golden.sample(golden, "x"),
                Golden.sample(golden, "fn"),
                Golden.sample(golden, "base"),
                Golden.sample(golden, "scale"),
                Golden.sample(golden, "Wf"),
                Golden.sample(golden, "grad_out"));
        Map<String, String> goldenNames = Map.of(
                "pre", "pre",
                "post", "post",
                "comb", "comb",
                "collapsed", "layer_input",
                "output", "out",
                "grad.x", "grad_x",
                "grad.f", "grad_Wf",
                "grad.fn", "grad_fn",
                "grad.base", "grad_base",
                "grad.scale", "grad_scale");
        Map<String, double[]> actual = step.on(backend);
        Map<String, double[]> naive = step.naive();
        goldenNames.forEach((name, theirs) -> {
            double[] expected = Golden.values(golden, theirs);
            assertClose("naive " + name, expected, StepCase.result(naive, name), DOUBLE.withFloor(1));
            assertClose(
                    name,
                    expected,
                    StepCase.result(actual, name),
                    Tolerance.of(backend, 1000).withFloor(1));
        });
    }

    @ParameterizedTest
    @EveryBackend
    void zeroParametersCollapseStreamsToTheirMean(Backend backend) {
        JsonNode golden = Golden.entry("sublayer_zero_params");
        Sample x = Golden.sample(golden, "x");
        int n = x.shape().dim(-2);
        var config = HyperConnectionsConfig.of(n, x.shape().dim(-1), Mixing.sinkhorn(20));
        var zero = new StepCase(
                config,
                x,
                zeros("fn", n * (n + 2), n * x.shape().dim(-1)),
                zeros("base", n * (n + 2)),
                zeros("scale", 3),
                Golden.sample(golden, "Wf"),
                x);
        Map<String, double[]> actual = zero.on(backend);
        assertClose("pre", Golden.values(golden, "pre"), StepCase.result(actual, "pre"), Tolerance.of(backend, 40));
        assertClose("comb", Golden.values(golden, "comb"), StepCase.result(actual, "comb"), Tolerance.of(backend, 40));
        assertClose("out", Golden.values(golden, "out"), StepCase.result(actual, "output"), Tolerance.of(backend, 40));
    }

    @ParameterizedTest
    @EveryBackend
    void projectionNormalisesOverAllStreamsAndFoldsANormWeight(Backend backend) {
        JsonNode golden = Golden.entry("norm_fn");
        Tensor x = Autograd.leaf(Golden.sample(golden, "residual").on(backend));
        Tensor fn = Autograd.leaf(Golden.sample(golden, "fn").on(backend));
        Tensor weight = Autograd.leaf(Golden.sample(golden, "norm_weight").on(backend));
        Tensor mixes = NormalisedProjection.of(
                x, multiply(fn, weight), golden.required("eps").asDouble());
        Tolerance tolerance = Tolerance.of(backend, 40);
        assertClose("mixes", Golden.values(golden, "mixes"), mixes, tolerance);
        var gradients =
                Autograd.backward(mixes, Golden.sample(golden, "grad_out").on(backend));
        assertClose("x", Golden.values(golden, "grad_residual"), gradients.of(x), tolerance);
        assertClose("fn", Golden.values(golden, "grad_fn"), gradients.of(fn), tolerance);
        assertClose("weight", Golden.values(golden, "grad_norm_weight"), gradients.of(weight), tolerance);
    }

    @ParameterizedTest
    @EveryBackend
    void head(Backend backend) {
        JsonNode golden = Golden.entry("head");
        HyperHead head = new HyperHead(
                Parameter.learned(Golden.sample(golden, "fn").on(backend)),
                Parameter.learned(Golden.sample(golden, "base").on(backend)),
                Parameter.learned(Golden.sample(golden, "scale").on(backend)),
                1e-6,
                1e-6);
        Tensor x = Golden.sample(golden, "x").on(backend);
        assertClose("weights", Golden.values(golden, "mix"), head.weights(x), Tolerance.of(backend, 40));
        assertClose("out", Golden.values(golden, "out"), head.forward(x), Tolerance.of(backend, 40));
    }

    @ParameterizedTest
    @EveryBackend
    void twoStepsOfTheSinglePassForm(Backend backend) {
        JsonNode golden = Golden.entry("single_pass");
        Tensor f = Golden.sample(golden, "Wf").on(backend);
        Tolerance tolerance = Tolerance.of(backend, 1000);
        var inputs = new ArrayList<Tensor>();
        UnaryOperator<Tensor> subLayer = u -> {
            inputs.add(u);
            return tanh(matmulTransposed(u, f));
        };
        Carried start = Carried.start(Golden.sample(golden, "x").on(backend));
        Carried one = connections(golden, "fn1", "base1", backend).step(start, subLayer, Context.inference());
        Carried two = connections(golden, "fn2", "base2", backend).step(one, subLayer, Context.inference());
        assertClose("first input", Golden.values(golden, "layer_input_1"), inputs.get(0), tolerance);
        assertClose("x1", Golden.values(golden, "x1"), one.streams(), tolerance);
        assertClose("second input", Golden.values(golden, "layer_input_2"), inputs.get(1), tolerance);
        assertClose("x2", Golden.values(golden, "x2"), two.streams(), tolerance);
        assertClose("final collapse", Golden.values(golden, "final_collapse"), two.finish(), tolerance);
    }

    @ParameterizedTest
    @EveryBackend
    void thePaperFormOnBackends(Backend backend) {
        for (JsonNode golden : Golden.entry("sinkhorn_paper_form")) {
            Tensor logits = Golden.sample(golden, "logits").on(backend);
            int iterations = golden.required("t_max").asInt();
            assertClose(
                    "H_res",
                    Golden.values(golden, "H_res"),
                    Sinkhorn.paper(logits, iterations),
                    Tolerance.of(backend, 2L * iterations).times(largest(Golden.values(golden, "logits"))));
        }
    }

    @ParameterizedTest
    @EveryBackend
    void permutationsOfThree(Backend backend) {
        exactMix(Golden.entry("mhc_lite_n3"), Mixing.permutations(), 3, backend);
    }

    @ParameterizedTest
    @EveryBackend
    void kroneckerProductOfTwo(Backend backend) {
        exactMix(Golden.entry("kromhc_n4"), Mixing.kronecker(), 4, backend);
    }

    /** The golden logits as a base, with α = 0; the gradient of H_res reaches comb transposed. */
    private static void exactMix(JsonNode golden, Mixing mixing, int n, Backend backend) {
        double[] logits = Golden.values(golden, "logits");
        double[] comb = transposed(Golden.values(golden, "H"), n);
        double[] upstream = transposed(Golden.values(golden, "grad_out"), n);
        NaiveMix naive = NaiveMix.of(mixing, n);
        assertClose("naive comb", comb, naive.forward(logits), DOUBLE);
        assertClose(
                "naive gradient",
                Golden.values(golden, "grad_logits"),
                naive.backward(logits, upstream),
                DOUBLE.withFloor(1));
        double[] base = new double[2 * n + logits.length];
        System.arraycopy(logits, 0, base, 2 * n, logits.length);
        Parameter learned = learned(backend, base, base.length);
        MixWeights weights = HyperConnections.of(n, 1, mixing)
                .over(ParameterMap.empty()
                        .with("fn", learned(backend, new double[base.length * n], base.length, n))
                        .with("base", learned)
                        .with("scale", learned(backend, new double[3], 3)))
                .weights(backend.tensors().full(Shape.of(1, n, 1), 1));
        Tolerance tolerance = Tolerance.of(backend, logits.length).withFloor(1);
        assertClose("comb", comb, weights.comb(), tolerance);
        double[] gradient = Autograd.backward(weights.comb(), backend.tensors().doubles(Shape.of(1, n, n), upstream))
                .of(learned.value())
                .toDoubles();
        assertClose(
                "gradient",
                Golden.values(golden, "grad_logits"),
                Arrays.copyOfRange(gradient, 2 * n, base.length),
                tolerance);
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).map(Math::abs).reduce(1, Math::max);
    }

    @ParameterizedTest
    @EveryBackend
    void dynamicHyperConnections(Backend backend) {
        JsonNode golden = Golden.entry("dhc_n2");
        int n = 2;
        Sample h = Golden.sample(golden, "h");
        int width = h.shape().dim(-1);
        double[] theta = joined(golden, "theta_pre", "theta_post", "theta_res");
        double[] base = joined(golden, "b_pre", "b_post");
        double[] full = Arrays.copyOf(base, n * (n + 2));
        System.arraycopy(transposed(Golden.values(golden, "b_res"), n), 0, full, 2 * n, n * n);
        HyperConnections connections = HyperConnections.of(n, width, Mixing.dynamic())
                .over(ParameterMap.empty()
                        .with("fn", learned(backend, theta, n + 2, width))
                        .with("base", learned(backend, full, full.length))
                        .with("scale", learned(backend, Golden.values(golden, "alpha"), 3)));
        Tensor streams = h.on(backend);
        MixWeights weights = connections.weights(streams);
        Tolerance tolerance = Tolerance.of(backend, 40);
        assertClose("H_pre", Golden.values(golden, "H_pre"), weights.pre(), tolerance);
        assertClose("H_post", Golden.values(golden, "H_post"), weights.post(), tolerance);
        assertClose("H_res", transposed(Golden.values(golden, "H_res"), n), weights.comb(), tolerance);
        assertClose("out", Golden.values(golden, "out"), connections.apply(streams, u -> tanh(u)), tolerance);
    }

    @Test
    void gain() {
        JsonNode golden = Golden.entry("amax_gain");
        var matrices = new ArrayList<double[][]>();
        golden.required("matrices_in_layer_order").forEach(node -> matrices.add(Golden.matrix(node)));
        int depth = matrices.size();
        List<Gain> composites = Gain.throughDepth(matrices);
        for (int l = 0; l < depth; l++) {
            assertEquals(
                    Golden.values(golden, "composite_forward_layers_1_to_l")[l],
                    composites.get(l).forward(),
                    1e-12);
            assertEquals(
                    Golden.values(golden, "composite_backward_layers_l_to_L(l=L..1)")[l],
                    composites.get(depth - 1 - l).backward(),
                    1e-12);
            Gain single = Gain.of(matrices.get(l));
            assertEquals(Golden.values(golden, "single_forward")[l], single.forward(), 1e-12);
            assertEquals(Golden.values(golden, "single_backward")[l], single.backward(), 1e-12);
            assertEquals(
                    Golden.values(golden, "composite_forward_layers_1_to_l")[l],
                    Gain.ofComposite(matrices.subList(0, l + 1)).forward(),
                    1e-12);
            assertEquals(
                    Golden.values(golden, "composite_backward_layers_l_to_L(l=L..1)")[l],
                    Gain.ofComposite(matrices.subList(depth - 1 - l, depth)).backward(),
                    1e-12);
        }
        Gain permutation = Gain.of(new double[][] {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}});
        assertEquals(new Gain(1, 1), permutation);
    }

    private static NaiveSinkhorn naive(JsonNode golden, String iterations, String eps) {
        return new NaiveSinkhorn(
                golden.required("logits").size(),
                golden.required(iterations).asInt(),
                golden.required(eps).asDouble());
    }

    private static HyperConnectionsConfig configOf(JsonNode golden, String x) {
        Sample streams = Golden.sample(golden, x);
        return HyperConnectionsConfig.of(
                        streams.shape().dim(-2),
                        streams.shape().dim(-1),
                        new Mixing.DoublyStochastic(
                                golden.required("repeat").asInt(),
                                golden.required("eps").asDouble()))
                .withNormEps(golden.required("norm_eps").asDouble());
    }

    private static HyperConnections connections(JsonNode golden, String fn, String base, Backend backend) {
        Sample x = Golden.sample(golden, "x");
        return HyperConnections.of(x.shape().dim(-2), x.shape().dim(-1), Mixing.lagged(20))
                .over(ParameterMap.empty()
                        .with("fn", Parameter.learned(Golden.sample(golden, fn).on(backend)))
                        .with(
                                "base",
                                Parameter.learned(Golden.sample(golden, base).on(backend)))
                        .with(
                                "scale",
                                Parameter.learned(Golden.sample(golden, "scale").on(backend))));
    }

    private static Parameter learned(Backend backend, double[] values, int... dims) {
        return Parameter.learned(backend.tensors().doubles(Shape.of(dims), values));
    }

    private static Sample zeros(String name, int... dims) {
        return Sample.gaussian(name, Seed.of(name), dims).map(v -> 0);
    }

    private static double[] joined(JsonNode golden, String... names) {
        return List.of(names).stream()
                .flatMapToDouble(name -> Arrays.stream(Golden.values(golden, name)))
                .toArray();
    }

    private static double[] transposed(double[] matrix, int n) {
        double[] t = new double[n * n];
        for (int i = 0; i < t.length; i++) {
            t[i % n * n + i / n] = matrix[i];
        }
        return t;
    }
}
