package org.filigree.v4.stability;

import java.util.List;
import org.filigree.core.optim.Schedule;
import org.filigree.core.tensor.Check;

/**
 * Sizes of the experiment.
 *
 * @param depths numbers of sub-layers
 * @param streams n
 * @param width width of each stream
 * @param steps optimiser steps for every stack
 * @param batch windows a step
 * @param length bytes a window
 * @param rate highest learning rate
 * @param factor α of the drawn starts
 * @param heldOutWindows windows on which losses and gains are measured
 * @param composites how many products of mixes from random logits
 * @param seed of every random choice
 */
public record StabilityPlan(
        List<Integer> depths,
        int streams,
        int width,
        int steps,
        int batch,
        int length,
        double rate,
        double factor,
        int heldOutWindows,
        int composites,
        long seed) {
    /** Checks the numbers. */
    public StabilityPlan {
        depths = List.copyOf(depths);
        if (depths.isEmpty()) {
            throw new IllegalArgumentException("stability: depths must not be empty; 8, 16, 32 for example");
        }
        for (int depth : depths) {
            Check.positive("stability: depth", depth);
        }
        Check.between("stability: streams", streams, 2, 8);
        Check.positive("stability: width", width);
        Check.notNegative("stability: steps", steps);
        Check.positive("stability: batch", batch);
        Check.positive("stability: length", length);
        Check.positive("stability: heldOutWindows", heldOutWindows);
        Check.positive("stability: composites", composites);
        if (!(rate > 0 && rate < 1)) {
            throw new IllegalArgumentException("stability: rate must be between 0 and 1 but is " + rate);
        }
        Check.notNegative("stability: factor", factor);
    }

    /** {@return what runs in ten minutes on two cores} */
    public static StabilityPlan standard() {
        return new StabilityPlan(List.of(8, 16, 32, 64, 128), 4, 64, 150, 4, 64, 1e-2, 0.1, 16, 2000, 42);
    }

    /** {@return what shows in seconds that everything works} */
    public static StabilityPlan quick() {
        return new StabilityPlan(List.of(2, 4), 4, 16, 3, 2, 16, 1e-2, 0.1, 2, 20, 42);
    }

    Schedule schedule() {
        return Schedule.cosine(rate, rate / 20, Math.min(steps / 10, 100), steps);
    }
}
