package org.filigree.v4.train;

import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.optim.AdamWConfig;
import org.filigree.core.optim.CombinedOptimizer;
import org.filigree.core.optim.Optimizer;

/** Which optimiser updates which parameter of an assembly. */
public final class Optimizers {
    /** Of a memory table, relative to everything else (Engram paper, section 4). */
    private static final double TABLE_RATE = 5;

    private Optimizers() {}

    /**
     * AdamW for everything: without decay for vectors, with five times the rate and no decay for memory tables.
     *
     * @param parameters of the model
     * @return the optimiser
     */
    public static Optimizer of(ParameterMap parameters) {
        AdamWConfig base = AdamWConfig.deepSeek().withEpsilon(1e-12);
        return CombinedOptimizer.of(
                base.init(parameters.filter((path, parameter) -> !isTable(path) && isMatrix(parameter))),
                base.withDecay(0).init(parameters.filter((path, parameter) -> !isTable(path) && !isMatrix(parameter))),
                base.withDecay(0).withRateFactor(TABLE_RATE).init(parameters.filter((path, parameter) -> isTable(path))));
    }

    private static boolean isTable(String path) {
        return path.contains("engram.embed");
    }

    private static boolean isMatrix(Parameter parameter) {
        return parameter.shape().rank() >= 2;
    }
}
