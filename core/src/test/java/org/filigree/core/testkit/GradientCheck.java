package org.filigree.core.testkit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Gradients by central differences in double precision, the oracle of every backward pass. */
public final class GradientCheck {
    /** Balances the error of the difference, step²/6·f‴, against that of rounding, 2⁻⁵³·f/step. */
    private static final double STEP = 1e-5;

    private GradientCheck() {}

    /**
     * Requires the gradients on a backend to agree with central differences on the oracle, for a random upstream gradient.
     *
     * @param backend whose gradients are checked
     * @param inputs operands; each variable is checked
     * @param reduction terms of the longest sum, for the tolerance
     * @param function smooth around the operands
     */
    public static void check(Backend backend, List<Sample> inputs, long reduction, TensorFunction.Single function) {
        check(backend, inputs, Tolerance.of(backend, reduction), TensorFunction.of(function));
    }

    /**
     * Requires the gradients on a backend to agree with central differences on the oracle, for random upstream gradients.
     *
     * @param backend whose gradients are checked
     * @param inputs operands; each variable is checked
     * @param tolerance of the backend; what differences can resolve is added
     * @param function smooth around the operands
     */
    public static void check(Backend backend, List<Sample> inputs, Tolerance tolerance, TensorFunction function) {
        Evaluation evaluation = Evaluation.of(backend, inputs, function);
        Map<String, double[]> expected = differences(TestBackends.oracle(), inputs, function);
        evaluation
                .gradients()
                .forEach((name, gradient) -> Compare.assertClose(
                        "gradient of " + name + " on " + backend.name(),
                        expected.getOrDefault(name, new double[0]),
                        gradient,
                        tolerance.or(Tolerance.CENTRAL_DIFFERENCES)));
    }

    /**
     * Gradients of Σ results∘upstream by central differences.
     *
     * @param oracle a backend in double precision
     * @param inputs operands
     * @param function smooth around the operands
     * @return by name of the variable
     */
    public static Map<String, double[]> differences(Backend oracle, List<Sample> inputs, TensorFunction function) {
        List<Tensor> tensors =
                new ArrayList<>(inputs.stream().map(sample -> sample.on(oracle)).toList());
        List<double[]> upstream = upstream(function.apply(tensors));
        var gradients = new LinkedHashMap<String, double[]>();
        for (int k = 0; k < inputs.size(); k++) {
            Sample sample = inputs.get(k);
            if (!sample.variable()) {
                continue;
            }
            Tensor kept = tensors.get(k);
            double[] gradient = new double[sample.values().length];
            for (int i = 0; i < gradient.length; i++) {
                double step = STEP * Math.max(1, Math.abs(sample.values()[i]));
                tensors.set(k, moved(oracle, sample, i, step));
                List<Tensor> above = function.apply(tensors);
                tensors.set(k, moved(oracle, sample, i, -step));
                gradient[i] = rise(above, function.apply(tensors), upstream) / (2 * step);
            }
            tensors.set(k, kept);
            gradients.put(sample.name(), gradient);
        }
        return gradients;
    }

    private static Tensor moved(Backend oracle, Sample sample, int i, double step) {
        double[] values = sample.values().clone();
        values[i] += step;
        return sample.on(oracle, values);
    }

    private static List<double[]> upstream(List<Tensor> outputs) {
        var upstream = new ArrayList<double[]>();
        for (int i = 0; i < outputs.size(); i++) {
            upstream.add(Evaluation.upstream(i, outputs.get(i)).values());
        }
        return upstream;
    }

    /** Summed by element, so that large results that do not move cancel before they are rounded. */
    private static double rise(List<Tensor> above, List<Tensor> below, List<double[]> upstream) {
        double sum = 0;
        for (int k = 0; k < above.size(); k++) {
            if (above.get(k).dtype() == DType.FLOAT32) {
                double[] high = above.get(k).toDoubles();
                double[] low = below.get(k).toDoubles();
                for (int i = 0; i < high.length; i++) {
                    sum += upstream.get(k)[i] * (high[i] - low[i]);
                }
            }
        }
        return sum;
    }
}
