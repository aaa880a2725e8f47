package org.filigree.moe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.filigree.core.nn.ParameterMap;

/**
 * {@link Moe} with a {@link TopKRouter} token by token as plain loops in double, forward and backward: documentation and oracle. Reads
 * the parameters of a layer once.
 */
final class NaiveMoe {
    private final MoeConfig config;
    private final NaiveRouting routing;
    private final float[] gate;
    private final double[] bias;
    private final List<NaiveExpert> experts = new ArrayList<>();
    private final List<NaiveExpert> shared = new ArrayList<>();

    NaiveMoe(MoeConfig config, ParameterMap parameters) {
        this.config = config;
        this.routing = new NaiveRouting(config.routing());
        this.gate = floats(parameters, "gate.weight");
        this.bias = config.bias() == MoeConfig.CorrectionBias.ABSENT
                ? new double[0]
                : parameters.get("gate.bias").value().toDoubles();
        int size = config.width() * config.hidden();
        for (int e = 0; e < config.experts(); e++) {
            experts.add(expert(
                    config.hidden(),
                    Arrays.copyOfRange(floats(parameters, "experts.w1"), e * size, (e + 1) * size),
                    Arrays.copyOfRange(floats(parameters, "experts.w2"), e * size, (e + 1) * size),
                    Arrays.copyOfRange(floats(parameters, "experts.w3"), e * size, (e + 1) * size)));
        }
        if (config.shared() > 0) {
            shared.add(expert(
                    config.shared() * config.hidden(),
                    floats(parameters, "shared_experts.w1.weight"),
                    floats(parameters, "shared_experts.w2.weight"),
                    floats(parameters, "shared_experts.w3.weight")));
        }
    }

    private NaiveExpert expert(int hidden, float[] w1, float[] w2, float[] w3) {
        return new NaiveExpert(config.width(), hidden, config.limit(), w1, w2, w3);
    }

    private static float[] floats(ParameterMap parameters, String path) {
        return parameters.get(path).value().toFloats();
    }

    /** Output of one token. */
    double[] forward(double[] x) {
        NaiveRouting.Choice choice = routing.forward(logits(x), bias);
        double[] y = new double[config.width()];
        for (int i : ascending(choice.experts())) {
            addTo(y, experts.get(choice.experts()[i]).forward(x), choice.weights()[i]);
        }
        for (NaiveExpert expert : shared) {
            addTo(y, expert.forward(x), 1);
        }
        return y;
    }

    /** Gradients of all tokens [tokens][width] and of all learned parameters, by path. */
    Map<String, double[]> backward(double[][] x, double[][] dy) {
        int width = config.width();
        double[] dx = new double[x.length * width];
        double[] dGate = new double[gate.length];
        var sums = new ArrayList<NaiveExpert.Gradient>();
        experts.forEach(expert -> sums.add(NaiveExpert.Gradient.zeros(width, config.hidden())));
        var sharedSums = NaiveExpert.Gradient.zeros(width, config.shared() * config.hidden());
        for (int t = 0; t < x.length; t++) {
            double[] back = token(x[t], dy[t], dGate, sums);
            for (NaiveExpert expert : shared) {
                addTo(back, expert.backward(x[t], dy[t], sharedSums), 1);
            }
            System.arraycopy(back, 0, dx, t * width, width);
        }
        var gradients = new LinkedHashMap<String, double[]>();
        gradients.put("x", dx);
        gradients.put("gate.weight", dGate);
        gradients.put(
                "experts.w1",
                joined(sums.stream().map(NaiveExpert.Gradient::dw1).toList()));
        gradients.put(
                "experts.w2",
                joined(sums.stream().map(NaiveExpert.Gradient::dw2).toList()));
        gradients.put(
                "experts.w3",
                joined(sums.stream().map(NaiveExpert.Gradient::dw3).toList()));
        if (config.shared() > 0) {
            gradients.put("shared_experts.w1.weight", sharedSums.dw1());
            gradients.put("shared_experts.w2.weight", sharedSums.dw2());
            gradients.put("shared_experts.w3.weight", sharedSums.dw3());
        }
        return gradients;
    }

    private double[] token(double[] x, double[] dy, double[] dGate, List<NaiveExpert.Gradient> sums) {
        double[] logits = logits(x);
        NaiveRouting.Choice choice = routing.forward(logits, bias);
        double[] dx = new double[x.length];
        double[] dWeights = new double[choice.weights().length];
        for (int i : ascending(choice.experts())) {
            int e = choice.experts()[i];
            double[] y = experts.get(e).forward(x);
            double[] weighted = new double[dy.length];
            for (int c = 0; c < dy.length; c++) {
                dWeights[i] += dy[c] * y[c];
            }
            addTo(weighted, dy, choice.weights()[i]);
            addTo(dx, experts.get(e).backward(x, weighted, sums.get(e)), 1);
        }
        double[] dLogits = routing.backward(logits, choice, dWeights);
        for (int e = 0; e < dLogits.length; e++) {
            for (int c = 0; c < x.length; c++) {
                dGate[e * x.length + c] += dLogits[e] * x[c];
                dx[c] += dLogits[e] * gate[e * x.length + c];
            }
        }
        return dx;
    }

    private double[] logits(double[] x) {
        double[] logits = new double[config.experts()];
        for (int e = 0; e < logits.length; e++) {
            for (int c = 0; c < x.length; c++) {
                logits[e] += gate[e * x.length + c] * x[c];
            }
        }
        return logits;
    }

    private static int[] ascending(int[] chosen) {
        return IntStream.range(0, chosen.length)
                .boxed()
                .sorted((a, b) -> Integer.compare(chosen[a], chosen[b]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static void addTo(double[] sum, double[] summand, double factor) {
        for (int c = 0; c < sum.length; c++) {
            sum[c] += factor * summand[c];
        }
    }

    private static double[] joined(List<double[]> parts) {
        return parts.stream().flatMapToDouble(Arrays::stream).toArray();
    }
}
