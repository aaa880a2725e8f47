package org.filigree.mhc;

import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.tanh;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;

/** Several lagged steps, each around its own y = tanh(u·fᵀ), from the first one's streams to the last collapse, with all gradients. */
record LaggedCase(List<StepCase> steps, Sample upstream) {
    static LaggedCase random(int depth, int n, int width, int tokens, RandomStream random) {
        var steps = new ArrayList<StepCase>();
        for (int s = 0; s < depth; s++) {
            steps.add(StepCase.random(Mixing.lagged(20), n, width, random.fork(s), tokens));
        }
        return new LaggedCase(steps, Sample.gaussian("upstream", random, tokens, width));
    }

    Map<String, double[]> on(Backend backend) {
        Tensor x = Autograd.leaf(steps.getFirst().x().on(backend));
        Carried carried = Carried.start(x);
        var connections = new ArrayList<HyperConnections>();
        var inner = new ArrayList<Tensor>();
        var results = new LinkedHashMap<String, double[]>();
        for (StepCase step : steps) {
            connections.add(step.connections(backend));
            inner.add(Autograd.leaf(step.f().on(backend)));
            carried = connections
                    .getLast()
                    .step(carried, u -> tanh(matmulTransposed(u, inner.getLast())), Context.training());
        }
        Tensor out = carried.finish();
        results.put("streams", carried.streams().toDoubles());
        results.put("out", out.toDoubles());
        Gradients gradients = Autograd.backward(out, upstream.on(backend));
        results.put("grad.x", gradients.of(x).toDoubles());
        for (int s = 0; s < steps.size(); s++) {
            String of = "grad." + s + ".";
            results.put(of + "f", gradients.of(inner.get(s)).toDoubles());
            connections
                    .get(s)
                    .parameters()
                    .forEach((name, parameter) -> results.put(
                            of + name, gradients.of(parameter.value()).toDoubles()));
        }
        return results;
    }

    /** What one token's pass leaves for the way back. */
    @SuppressWarnings("ArrayRecordComponent")
    private record Trace(double[] x, double[] readBy, double[] u, double[] y, NaiveStep.Mixed mixed) {}

    Map<String, double[]> naive() {
        HyperConnectionsConfig config = steps.getFirst().config();
        int area = config.streams() * config.width();
        int width = config.width();
        double[] x = steps.getFirst().x().values();
        int tokens = x.length / area;
        var results = new LinkedHashMap<String, double[]>();
        results.put("streams", new double[x.length]);
        results.put("out", new double[tokens * width]);
        results.put("grad.x", new double[x.length]);
        for (int s = 0; s < steps.size(); s++) {
            StepCase step = steps.get(s);
            results.put("grad." + s + ".f", new double[width * width]);
            results.put("grad." + s + ".fn", new double[step.fn().values().length]);
            results.put("grad." + s + ".base", new double[step.base().values().length]);
            results.put("grad." + s + ".scale", new double[step.scale().values().length]);
        }
        for (int t = 0; t < tokens; t++) {
            token(t, Arrays.copyOfRange(x, t * area, (t + 1) * area), results);
        }
        return results;
    }

    private void token(int t, double[] start, Map<String, double[]> results) {
        int n = steps.getFirst().config().streams();
        int width = steps.getFirst().config().width();
        var traces = new ArrayList<Trace>();
        double[] x = start;
        double[] readBy = new double[n];
        readBy[0] = 1;
        for (StepCase step : steps) {
            NaiveHyperConnections naive = naive(step);
            NaiveStep.Mixed mixed = naive.mix(x);
            double[] u = NaiveStep.read(x, readBy);
            double[] y = step.subLayer(u);
            traces.add(new Trace(x, readBy, u, y, mixed));
            x = NaiveStep.combine(x, mixed, y);
            readBy = mixed.pre();
        }
        StepCase.place(results, "streams", t, x);
        StepCase.place(results, "out", t, NaiveStep.read(x, readBy));
        double[] dOut = Arrays.copyOfRange(upstream.values(), t * width, (t + 1) * width);
        double[] dPre = NaiveStep.readGradient(x, dOut);
        double[] dx = new double[n * width];
        for (int i = 0; i < dx.length; i++) {
            dx[i] = readBy[i / width] * dOut[i % width];
        }
        for (int s = steps.size() - 1; s >= 0; s--) {
            StepCase step = steps.get(s);
            NaiveHyperConnections naive = naive(step);
            Trace trace = traces.get(s);
            double[] dy = NaiveStep.outputGradient(trace.mixed, dx);
            double[] du = step.inputGradient(trace.u, trace.y, dy, StepCase.result(results, "grad." + s + ".f"));
            NaiveStep.Gradient gradient = naive.backward(trace.x, trace.mixed, trace.y, trace.readBy, du, dPre, dx);
            dPre = NaiveStep.readGradient(trace.x, du);
            dx = gradient.dx();
            StepCase.addTo(StepCase.result(results, "grad." + s + ".fn"), gradient.dFn());
            StepCase.addTo(StepCase.result(results, "grad." + s + ".base"), gradient.dBase());
            StepCase.addTo(StepCase.result(results, "grad." + s + ".scale"), gradient.dScale());
        }
        StepCase.place(results, "grad.x", t, dx);
    }

    private static NaiveHyperConnections naive(StepCase step) {
        return new NaiveHyperConnections(
                step.config(),
                step.fn().values(),
                step.base().values(),
                step.scale().values());
    }

    /** Σ out∘upstream by plain loops, what central differences move. */
    double loss() {
        double[] out = StepCase.result(naive(), "out");
        double sum = 0;
        for (int i = 0; i < out.length; i++) {
            sum += out[i] * upstream.values()[i];
        }
        return sum;
    }
}
