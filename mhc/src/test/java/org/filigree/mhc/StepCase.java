package org.filigree.mhc;

import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.tanh;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;

/** One mHC step around y = tanh(u·fᵀ), with all its operands, on a backend and in plain loops. */
record StepCase(
        HyperConnectionsConfig config, Sample x, Sample fn, Sample base, Sample scale, Sample f, Sample upstream) {
    static StepCase random(int n, int width, RandomStream random, int... outer) {
        return random(Mixing.sinkhorn(20), n, width, random, outer);
    }

    /** Of any form but the plain residual; parameters that the form has not have no elements. */
    static StepCase random(Mixing mixing, int n, int width, RandomStream random, int... outer) {
        int[] dims = Arrays.copyOf(outer, outer.length + 2);
        dims[outer.length] = n;
        dims[outer.length + 1] = width;
        var config = HyperConnectionsConfig.of(n, width, mixing);
        ParameterMap shapes = config.init(TestBackends.get("scalar"), random).parameters();
        Shape fn = shape(shapes, "fn");
        double fan = fn.rank() == 2 ? 1 / Math.sqrt(fn.dim(1)) : 1;
        return new StepCase(
                config,
                Sample.gaussian("x", random, dims),
                Sample.gaussian("fn", random, fn.toArray()).map(v -> v * fan),
                Sample.gaussian("base", random, shapes.get("base").shape().toArray()),
                Sample.gaussian("scale", random, shape(shapes, "scale").toArray()),
                Sample.gaussian("f", random, width, width).map(v -> v / Math.sqrt(width)),
                Sample.gaussian("upstream", random, dims));
    }

    private static Shape shape(ParameterMap parameters, String name) {
        Parameter parameter = parameters.asMap().get(name);
        return parameter == null ? Shape.of(0) : parameter.shape();
    }

    /** The same operands but for these. */
    StepCase with(HyperConnectionsConfig other, Sample otherScale) {
        return new StepCase(other, x, fn, base, otherScale, f, upstream);
    }

    HyperConnections connections(Backend backend) {
        return config.over(ParameterMap.empty()
                .with("fn", Parameter.learned(fn.on(backend)))
                .with("base", Parameter.learned(base.on(backend)))
                .with("scale", Parameter.learned(scale.on(backend))));
    }

    /** Weights, collapsed input, output and {@code grad.…} of every operand, by the names of the conformance cases. */
    Map<String, double[]> on(Backend backend) {
        HyperConnections connections = connections(backend);
        Tensor streams = Autograd.leaf(x.on(backend));
        Tensor inner = Autograd.leaf(f.on(backend));
        MixWeights weights = connections.weights(streams);
        var results = new LinkedHashMap<String, double[]>();
        results.put("pre", weights.pre().toDoubles());
        results.put("post", weights.post().toDoubles());
        results.put("comb", weights.comb().toDoubles());
        results.put("collapsed", weights.collapse(streams).toDoubles());
        Tensor output = connections.apply(streams, u -> tanh(matmulTransposed(u, inner)));
        results.put("output", output.toDoubles());
        Gradients gradients = Autograd.backward(output, upstream.on(backend));
        results.put("grad.x", gradients.of(streams).toDoubles());
        results.put("grad.f", gradients.of(inner).toDoubles());
        connections
                .parameters()
                .forEach((name, parameter) -> results.put(
                        "grad." + name, gradients.of(parameter.value()).toDoubles()));
        return results;
    }

    /** The same by {@link NaiveStep}, token by token. */
    Map<String, double[]> naive() {
        int n = config.streams();
        int width = config.width();
        int tokens = x.values().length / (n * width);
        var results = new LinkedHashMap<String, double[]>();
        results.put("pre", new double[tokens * n]);
        results.put("post", new double[tokens * n]);
        results.put("comb", new double[tokens * n * n]);
        results.put("collapsed", new double[tokens * width]);
        results.put("output", new double[tokens * n * width]);
        results.put("grad.x", new double[tokens * n * width]);
        results.put("grad.f", new double[width * width]);
        results.put("grad.fn", new double[fn.values().length]);
        results.put("grad.base", new double[base.values().length]);
        results.put("grad.scale", new double[scale.values().length]);
        NaiveStep naive = NaiveStep.of(config, fn.values(), base.values(), scale.values());
        for (int t = 0; t < tokens; t++) {
            double[] in = Arrays.copyOfRange(x.values(), t * n * width, (t + 1) * n * width);
            double[] up = Arrays.copyOfRange(upstream.values(), t * n * width, (t + 1) * n * width);
            NaiveStep.Mixed mixed = naive.mix(in);
            double[] y = subLayer(mixed.u());
            double[] dy = NaiveStep.outputGradient(mixed, up);
            double[] du = inputGradient(mixed.u(), y, dy, result(results, "grad.f"));
            NaiveStep.Gradient gradient = naive.backward(in, mixed, y, du, up);
            place(results, "pre", t, mixed.pre());
            place(results, "post", t, mixed.post());
            place(results, "comb", t, mixed.comb());
            place(results, "collapsed", t, mixed.u());
            place(results, "output", t, NaiveStep.combine(in, mixed, y));
            place(results, "grad.x", t, gradient.dx());
            addTo(result(results, "grad.fn"), gradient.dFn());
            addTo(result(results, "grad.base"), gradient.dBase());
            addTo(result(results, "grad.scale"), gradient.dScale());
        }
        return results;
    }

    /** Gradient of u; adds that of f to what is there. */
    double[] inputGradient(double[] u, double[] y, double[] dy, double[] dF) {
        double[] du = new double[u.length];
        for (int o = 0; o < u.length; o++) {
            double da = dy[o] * (1 - y[o] * y[o]);
            for (int c = 0; c < u.length; c++) {
                du[c] += da * f.values()[o * u.length + c];
                dF[o * u.length + c] += da * u[c];
            }
        }
        return du;
    }

    double[] subLayer(double[] u) {
        double[] y = new double[u.length];
        for (int o = 0; o < y.length; o++) {
            for (int c = 0; c < u.length; c++) {
                y[o] += f.values()[o * u.length + c] * u[c];
            }
            y[o] = Math.tanh(y[o]);
        }
        return y;
    }

    /** Σ output∘upstream by plain loops, what central differences move. */
    double loss() {
        double[] output = result(naive(), "output");
        double sum = 0;
        for (int i = 0; i < output.length; i++) {
            sum += output[i] * upstream.values()[i];
        }
        return sum;
    }

    static double[] result(Map<String, double[]> results, String name) {
        double[] values = results.get(name);
        if (values == null) {
            throw new AssertionError("there is no result " + name + " among " + results.keySet());
        }
        return values;
    }

    static void place(Map<String, double[]> results, String name, int token, double[] values) {
        System.arraycopy(values, 0, result(results, name), token * values.length, values.length);
    }

    static void addTo(double[] sum, double[] summand) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += summand[i];
        }
    }
}
