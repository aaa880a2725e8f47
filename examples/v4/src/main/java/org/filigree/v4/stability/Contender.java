package org.filigree.v4.stability;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Initializer;
import org.filigree.core.nn.Parameter;
import org.filigree.core.random.RandomStream;
import org.filigree.mhc.HyperConnected;
import org.filigree.mhc.HyperConnections;
import org.filigree.mhc.HyperConnectionsConfig;
import org.filigree.mhc.Mixing;

/**
 * A kind of residual connection that takes part.
 *
 * @param name for tables and plots
 * @param streams n
 * @param mixing how streams are mixed
 * @param start how the parameters of the connections start
 */
public record Contender(String name, int streams, Mixing mixing, Start start) {
    /** How the parameters of the connections start. */
    public sealed interface Start {
        /** As published: projections 0, so that all tokens have the same weights, and α = 0.01. */
        record Published() implements Start {}

        /**
         * Projections drawn so that their results are standard normal.
         *
         * @param factor α
         */
        record Drawn(double factor) implements Start {}
    }

    /**
     * Everybody: the plain residual, hyper-connections and mHC, each of the last two in both starts.
     *
     * @param streams n of those that have more than one
     * @param factor α of the drawn starts
     * @return in the order of tables
     */
    public static List<Contender> all(int streams, double factor) {
        return List.of(
                new Contender("residual", 1, Mixing.residual(), new Start.Published()),
                new Contender("HC", streams, Mixing.dynamic(), new Start.Published()),
                new Contender("mHC", streams, Mixing.sinkhorn(20), new Start.Published()),
                new Contender("HC, drawn", streams, Mixing.dynamic(), new Start.Drawn(factor)),
                new Contender("mHC, drawn", streams, Mixing.sinkhorn(20), new Start.Drawn(factor)));
    }

    HyperConnectionsConfig config(int width) {
        return HyperConnections.of(streams, width, mixing);
    }

    /** Gives the connections of a chain the start. */
    void start(HyperConnected chain, Backend backend, RandomStream random) {
        if (start instanceof Start.Drawn(double factor)) {
            chain.parameters().forEach((path, parameter) -> {
                if (path.startsWith("hc_") && path.endsWith("_fn")) {
                    draw(parameter, backend, random.fork(path));
                } else if (path.startsWith("hc_") && path.endsWith("_scale")) {
                    parameter.assign(backend.tensors().full(parameter.shape(), factor));
                }
            });
        }
    }

    /** What is projected has the mean square 1 in every column. */
    private static void draw(Parameter fn, Backend backend, RandomStream random) {
        double deviation = 1 / Math.sqrt(fn.shape().dim(-1));
        fn.assign(Initializer.normal(deviation).draw(backend, fn.shape(), random));
    }
}
