package org.filigree.core.optim;

import java.util.Map;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.Pointwise;
import org.filigree.core.op.Reduce;
import org.filigree.core.tensor.Check;

/** The Euclidean norm of all gradients together, and clipping by it. */
public final class GradientNorm {
    private GradientNorm() {}

    /**
     * √Σ g² over all parameters that have a gradient, summed in the order of the map.
     *
     * @param parameters whose gradients
     * @param gradients of the loss
     * @return the norm
     */
    public static double of(ParameterMap parameters, Gradients gradients) {
        double sum = 0;
        for (Parameter parameter : parameters.learned().asMap().values()) {
            sum += square(parameter, gradients);
        }
        return Math.sqrt(sum);
    }

    private static double square(Parameter parameter, Gradients gradients) {
        return gradients
                .find(parameter.value())
                .map(gradient -> Reduce.sum(Pointwise.square(gradient)).item())
                .orElse(0.0);
    }

    /**
     * Scales all gradients down so that their norm is at most a limit.
     *
     * @param parameters whose gradients count
     * @param gradients of the loss
     * @param limit largest norm
     * @return the gradients and the norm that they had
     * @throws ArithmeticException if the norm is not finite, naming the first parameter at fault
     */
    public static Clipped clip(ParameterMap parameters, Gradients gradients, double limit) {
        Check.positive("clip: limit", limit);
        double norm = of(parameters, gradients);
        if (!Double.isFinite(norm)) {
            throw notFinite(norm, parameters, gradients);
        }
        return new Clipped(norm > limit ? gradients.scaled(limit / norm) : gradients, norm);
    }

    private static ArithmeticException notFinite(double norm, ParameterMap parameters, Gradients gradients) {
        for (Map.Entry<String, Parameter> each : parameters.learned().asMap().entrySet()) {
            double square = square(each.getValue(), gradients);
            if (!Double.isFinite(square)) {
                return new ArithmeticException("clip: the norm of all gradients is " + norm
                        + ", which no factor brings down; the first gradient at fault is that of " + each.getKey() + " "
                        + each.getValue().shape() + ", whose squares sum to " + square);
            }
        }
        return new ArithmeticException("clip: the norm of all gradients is " + norm + ", which no factor brings down");
    }

    /**
     * Gradients after clipping.
     *
     * @param gradients at most as large as the limit
     * @param norm what it was before
     */
    public record Clipped(Gradients gradients, double norm) {}
}
