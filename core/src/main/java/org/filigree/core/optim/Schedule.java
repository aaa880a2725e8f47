package org.filigree.core.optim;

import java.util.function.DoubleUnaryOperator;
import org.filigree.core.tensor.Check;

/** The learning rate of every step. */
@FunctionalInterface
public interface Schedule {
    /**
     * The learning rate of a step.
     *
     * @param step counted from 0
     * @return η
     */
    double rate(long step);

    /**
     * The same rate always.
     *
     * @param rate η
     * @return the schedule
     */
    static Schedule constant(double rate) {
        Check.positive("schedule: rate", rate);
        return step -> rate;
    }

    /**
     * Linear from near 0 to the peak, then along half a cosine down to the end.
     *
     * @param peak highest rate, reached at the end of the warm-up
     * @param end rate at the last step and after; a single step after the warm-up has the peak
     * @param warmUp steps of the warm-up
     * @param steps steps in all
     * @return the schedule
     */
    static Schedule cosine(double peak, double end, int warmUp, int steps) {
        return decaying(peak, end, warmUp, steps, x -> 0.5 * (1 + Math.cos(Math.PI * x)));
    }

    /**
     * Linear from near 0 to the peak, then linear down to the end.
     *
     * @param peak highest rate, reached at the end of the warm-up
     * @param end rate at the last step and after; a single step after the warm-up has the peak
     * @param warmUp steps of the warm-up
     * @param steps steps in all
     * @return the schedule
     */
    static Schedule linear(double peak, double end, int warmUp, int steps) {
        return decaying(peak, end, warmUp, steps, x -> 1 - x);
    }

    private static Schedule decaying(double peak, double end, int warmUp, int steps, DoubleUnaryOperator shape) {
        Check.positive("schedule: peak", peak);
        Check.notNegative("schedule: end", end);
        Check.between("schedule: warm-up", warmUp, 0, steps);
        return step -> {
            if (step < warmUp) {
                return peak * (step + 1) / warmUp;
            }
            double falling = Math.max(1, steps - 1 - warmUp);
            double progress = steps <= warmUp ? 1 : Math.min(1, (step - warmUp) / falling);
            return end + (peak - end) * shape.applyAsDouble(progress);
        };
    }
}
