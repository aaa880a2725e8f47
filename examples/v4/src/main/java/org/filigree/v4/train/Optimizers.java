package org.filigree.v4.train;

import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.optim.AdamWConfig;
import org.filigree.core.optim.CombinedOptimizer;
import org.filigree.core.optim.Optimizer;
import org.filigree.engram.Engram;

/** Which optimiser updates which parameter of an assembly. */
public final class Optimizers {
    /** Of a memory table, relative to everything else (Engram paper, section 4). */
    private static final double TABLE_RATE = 5;

    private Optimizers() {}

    /**
     * AdamW for everything: decay for the matrices of products alone; five times the rate and no decay for memory tables.
     *
     * @param parameters of the model
     * @return the optimiser
     */
    public static Optimizer of(ParameterMap parameters) {
        AdamWConfig base = AdamWConfig.deepSeek().withEpsilon(1e-12);
        return CombinedOptimizer.of(
                base.init(parameters.filter((path, parameter) -> !isTable(path) && isProduct(path, parameter))),
                base.withDecay(0)
                        .init(parameters.filter((path, parameter) -> !isTable(path) && !isProduct(path, parameter))),
                base.withDecay(0)
                        .withRateFactor(TABLE_RATE)
                        .init(parameters.filter((path, parameter) -> isTable(path))));
    }

    private static boolean isTable(String path) {
        return path.endsWith("engram." + Engram.TABLE);
    }

    /** Gains of norms start at 1 and must not decay, also where each stream has its own and they form a matrix. */
    private static boolean isProduct(String path, Parameter parameter) {
        return parameter.shape().rank() >= 2
                && !path.endsWith("norm_weight")
                && !path.endsWith("engram.q_weight")
                && !path.endsWith("engram.k_weight");
    }
}
