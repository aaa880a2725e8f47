package org.filigree.v4.report;

/**
 * One training step.
 *
 * @param step            optimiser steps done
 * @param tokens          targets seen up to this step
 * @param seconds         time spent training
 * @param loss            mean cross entropy of the step's targets in nats per token
 * @param learningRate    learning rate of the step
 * @param gradientNorm    Euclidean norm of the gradient before clipping
 * @param tokensPerSecond speed of the step
 */
public record TrainMetric(
        long step,
        long tokens,
        double seconds,
        double loss,
        double learningRate,
        double gradientNorm,
        double tokensPerSecond)
        implements Metric {}
