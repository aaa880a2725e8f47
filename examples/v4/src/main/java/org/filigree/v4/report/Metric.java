package org.filigree.v4.report;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/** One line of {@code metrics.jsonl}; its field {@code kind} says which. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = TrainMetric.class, name = "train"),
    @JsonSubTypes.Type(value = ValidationMetric.class, name = "validation")
})
public sealed interface Metric permits TrainMetric, ValidationMetric {
    /**
     * Optimiser steps done.
     *
     * @return the step after which this was measured
     */
    long step();

    /**
     * Tokens trained on.
     *
     * @return targets seen up to this step
     */
    long tokens();

    /**
     * Time spent training.
     *
     * @return seconds since the run began, interruptions excluded
     */
    double seconds();
}
