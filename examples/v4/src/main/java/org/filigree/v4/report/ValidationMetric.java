package org.filigree.v4.report;

/**
 * One measurement on held-out files.
 *
 * @param step        optimiser steps done
 * @param tokens      targets seen up to this step
 * @param seconds     time spent training
 * @param bitsPerByte mean of −log2 of the probability of each held-out byte
 * @param bytes       number of held-out bytes
 */
public record ValidationMetric(long step, long tokens, double seconds, double bitsPerByte, long bytes)
        implements Metric {}
