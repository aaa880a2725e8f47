package org.filigree.mhc;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Initializer;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;

/** The parameters of a sub-layer's connections before training. */
final class FirstValues {
    /** Logit of the stream that is read first, and minus that of the others: weights 0.73 and 0.27, where the sigmoid is still steep. */
    private static final float READ = 1;

    /** Logit of another stream in the mix, against 0 of the stream itself. */
    private static final float OTHER = -8;

    private FirstValues() {}

    static ParameterMap of(HyperConnectionsConfig config, Backend backend, RandomStream random, int read) {
        int n = config.streams();
        return switch (config.mixing()) {
            case Mixing.Residual() -> ParameterMap.empty();
            case Mixing.DoublyStochastic _ -> constrained(config, backend, random, read);
            case Mixing.Fixed() -> ParameterMap.empty().with("base", vector(backend, preNorm(n, read)));
            case Mixing.Dynamic(double factor) ->
                ParameterMap.empty()
                        .with("fn", drawn(backend, random, Initializer.zeros(), n + 2, config.width()))
                        .with("base", vector(backend, preNorm(n, read)))
                        .with("scale", constant(backend, 3, factor));
        };
    }

    private static ParameterMap constrained(
            HyperConnectionsConfig config, Backend backend, RandomStream random, int read) {
        int n = config.streams();
        int rows = n * (n + 2);
        return switch (config.start()) {
            case HyperStart.NearIdentity(double scale) ->
                ParameterMap.empty()
                        .with("fn", drawn(backend, random, Initializer.zeros(), rows, n * config.width()))
                        .with("base", vector(backend, nearIdentity(n, read)))
                        .with("scale", constant(backend, 3, scale));
            case HyperStart.Uniform(double deviation, double scale) ->
                ParameterMap.empty()
                        .with("fn", drawn(backend, random, Initializer.normal(deviation), rows, n * config.width()))
                        .with("base", constant(backend, rows, 0))
                        .with("scale", constant(backend, 3, scale));
        };
    }

    /** Logits; 0 for post, since 2σ(0) = 1. */
    private static float[] nearIdentity(int n, int read) {
        float[] base = new float[n * (n + 2)];
        Arrays.fill(base, 0, n, -READ);
        base[read] = READ;
        Arrays.fill(base, 2 * n, base.length, OTHER);
        for (int j = 0; j < n; j++) {
            base[2 * n + j * n + j] = 0;
        }
        return base;
    }

    /** Weights themselves: read one stream, write to all, mix nothing. */
    private static float[] preNorm(int n, int read) {
        float[] base = new float[n * (n + 2)];
        base[read] = 1;
        Arrays.fill(base, n, 2 * n, 1);
        for (int j = 0; j < n; j++) {
            base[2 * n + j * n + j] = 1;
        }
        return base;
    }

    private static Parameter drawn(Backend backend, RandomStream random, Initializer start, int rows, int columns) {
        return Parameter.learned(start.draw(backend, Shape.of(rows, columns), random.fork("fn")));
    }

    private static Parameter vector(Backend backend, float[] values) {
        return Parameter.learned(backend.tensors().floats(Shape.of(values.length), values));
    }

    private static Parameter constant(Backend backend, int length, double value) {
        return Parameter.learned(backend.tensors().full(Shape.of(length), value));
    }
}
