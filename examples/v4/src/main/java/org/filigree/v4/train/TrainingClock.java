package org.filigree.v4.train;

/**
 * Time spent training, over all sittings of a run.
 *
 * @param firstStep step at which this sitting began
 * @param tokensPerStep targets a step
 * @param secondsBefore time spent in the sittings before
 * @param startNanos when this sitting began
 */
record TrainingClock(long firstStep, long tokensPerStep, double secondsBefore, long startNanos) {
    double seconds() {
        return secondsBefore + sitting();
    }

    double tokensPerSecond(long steps) {
        return (steps - firstStep) * tokensPerStep / sitting();
    }

    private double sitting() {
        return (System.nanoTime() - startNanos) / 1e9;
    }
}
