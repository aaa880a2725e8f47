package org.filigree.v4.stability;

import org.filigree.mhc.Gain;

/**
 * What became of one stack.
 *
 * @param contender its connections
 * @param depth sub-layers
 * @param start before training
 * @param trained after training
 * @param steps optimiser steps done; fewer than planned if the loss or the gradient was not finite any more
 */
public record StabilityResult(Contender contender, int depth, Measured start, Measured trained, int steps) {
    /**
     * A measurement on held-out windows.
     *
     * @param bitsPerByte loss
     * @param composite largest composite gain over all depths, forward of 1…l and backward of l…L, averaged over tokens
     * @param single largest gain of a single sub-layer, averaged over tokens
     */
    public record Measured(double bitsPerByte, Gain composite, Gain single) {
        /** Of a stack whose activations are not finite. */
        static final Measured NOT_FINITE =
                new Measured(Double.NaN, new Gain(Double.NaN, Double.NaN), new Gain(Double.NaN, Double.NaN));
    }
}
