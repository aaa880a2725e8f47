package org.filigree.v4.train;

import org.filigree.core.optim.Schedule;
import org.filigree.core.tensor.Check;

/**
 * How long and how fast a model is trained.
 *
 * @param steps optimiser steps in all
 * @param batch windows a step
 * @param length tokens a window
 * @param peakRate highest learning rate
 * @param fillInTheMiddleShare share of windows that are rearranged for the completion head
 * @param clip largest norm of the gradient
 * @param evaluateEvery steps between measurements on held-out files
 * @param saveEvery steps between checkpoints
 * @param seed of every random choice
 */
public record TrainingPlan(
        int steps,
        int batch,
        int length,
        double peakRate,
        double fillInTheMiddleShare,
        double clip,
        int evaluateEvery,
        int saveEvery,
        long seed) {
    /** Checks the numbers. */
    public TrainingPlan {
        Check.positive("training: steps", steps);
        Check.positive("training: batch", batch);
        Check.positive("training: length", length);
        Check.positive("training: peak rate", peakRate);
        Check.between("training: fill-in-the-middle share", fillInTheMiddleShare, 0, 1);
        Check.positive("training: clip", clip);
        Check.positive("training: evaluate every", evaluateEvery);
        Check.positive("training: save every", saveEvery);
    }

    /** {@return the plan that teaches the tiny preset in minutes on two cores} */
    public static TrainingPlan standard() {
        return new TrainingPlan(350, 8, 256, 3e-3, 0.1, 1, 50, 100, 42);
    }

    /** {@return the learning rate of every step: a short warm-up, then half a cosine down to a twentieth of the peak} */
    public Schedule schedule() {
        return Schedule.cosine(peakRate, peakRate / 20, Math.min(steps / 10, 100), steps);
    }
}
