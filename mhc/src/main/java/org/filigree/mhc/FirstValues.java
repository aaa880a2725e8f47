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
            case Mixing.DoublyStochastic _, Mixing.Paper _ ->
                constrained(config, backend, random, nearIdentity(n, read, keepingItself(n)), 3);
            case Mixing.Lagged _ ->
                constrained(config, backend, random, nearIdentity(n, (read + 1) % n, keepingItself(n)), 3);
            case Mixing.Permutations() ->
                constrained(config, backend, random, nearIdentity(n, read, identityPermutation(n)), 3);
            case Mixing.Kronecker() ->
                constrained(config, backend, random, nearIdentity(n, read, identityFactors(n)), 3);
            case Mixing.Identity() -> constrained(config, backend, random, nearIdentity(n, read, new float[0]), 2);
            case Mixing.Fixed() -> ParameterMap.empty().with("base", vector(backend, preNorm(n, read)));
            case Mixing.Dynamic(double factor) ->
                ParameterMap.empty()
                        .with("fn", drawn(backend, random, Initializer.zeros(), n + 2, config.width()))
                        .with("base", vector(backend, preNorm(n, read)))
                        .with("scale", constant(backend, 3, factor));
        };
    }

    private static ParameterMap constrained(
            HyperConnectionsConfig config, Backend backend, RandomStream random, float[] nearIdentity, int scales) {
        int rows = nearIdentity.length;
        int columns = config.streams() * config.width();
        return switch (config.start()) {
            case HyperStart.NearIdentity(double scale) ->
                ParameterMap.empty()
                        .with("fn", drawn(backend, random, Initializer.zeros(), rows, columns))
                        .with("base", vector(backend, nearIdentity))
                        .with("scale", constant(backend, scales, scale));
            case HyperStart.Uniform(double deviation, double scale) ->
                ParameterMap.empty()
                        .with("fn", drawn(backend, random, Initializer.normal(deviation), rows, columns))
                        .with("base", constant(backend, rows, 0))
                        .with("scale", constant(backend, scales, scale));
        };
    }

    /** Logits; 0 for post, since 2σ(0) = 1. */
    private static float[] nearIdentity(int n, int read, float[] mix) {
        float[] base = new float[2 * n + mix.length];
        Arrays.fill(base, 0, n, -READ);
        base[read] = READ;
        System.arraycopy(mix, 0, base, 2 * n, mix.length);
        return base;
    }

    /** The same in either orientation. */
    private static float[] keepingItself(int n) {
        float[] logits = new float[n * n];
        Arrays.fill(logits, OTHER);
        for (int j = 0; j < n; j++) {
            logits[j * n + j] = 0;
        }
        return logits;
    }

    /** The identity comes first; of the others (n−1)! lead from a stream to a certain other, and share what it gets in mHC. */
    private static float[] identityPermutation(int n) {
        float[] logits = new float[PermutationMixer.count(n)];
        Arrays.fill(logits, OTHER - (float) Math.log(PermutationMixer.count(n - 1)));
        logits[0] = 0;
        return logits;
    }

    private static float[] identityFactors(int n) {
        float[] logits = new float[2 * KroneckerMixer.factors(n)];
        for (int flip = 1; flip < logits.length; flip += 2) {
            logits[flip] = OTHER;
        }
        return logits;
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
