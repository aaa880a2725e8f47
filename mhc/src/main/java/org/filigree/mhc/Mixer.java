package org.filigree.mhc;

import java.util.Optional;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/** Computes a sub-layer's weights from the streams; one implementation a form of {@link Mixing}. */
interface Mixer {
    /** Weights for streams [outer…, n, width], whose shape was checked. */
    MixWeights weights(Tensor streams);

    ParameterMap parameters();

    /** Both sides of the sub-layer in kernels of their own, where form, backend and sizes allow. */
    default Optional<FusedSubLayer> fused(HyperConnectionsConfig config) {
        return Optional.empty();
    }

    static Mixer of(HyperConnectionsConfig config, ParameterMap given) {
        int n = config.streams();
        int rows = n * (n + 2);
        return switch (config.mixing()) {
            case Mixing.Residual() -> new ResidualMixer();
            case Mixing.DoublyStochastic form -> constrained(config, form, given);
            case Mixing.Lagged(int iterations, double eps) ->
                constrained(config, new Mixing.DoublyStochastic(iterations, eps), given);
            case Mixing.Paper(int iterations) -> new PaperMixer(scores(config, n * n, 0, given), iterations);
            case Mixing.Permutations() -> PermutationMixer.of(scores(config, PermutationMixer.count(n), 0, given));
            case Mixing.Kronecker() -> KroneckerMixer.of(scores(config, 2 * KroneckerMixer.factors(n), 0, given));
            case Mixing.Identity() -> IdentityMixer.of(scores(config, 0, 0, given));
            case Mixing.Fixed() -> new FixedMixer(n, checked(given, "base", rows));
            case Mixing.Dynamic _ ->
                new DynamicMixer(
                        n,
                        config.normEps(),
                        checked(given, "fn", n + 2, config.width()),
                        checked(given, "base", rows),
                        checked(given, "scale", 3));
        };
    }

    private static ConstrainedMixer constrained(
            HyperConnectionsConfig config, Mixing.DoublyStochastic form, ParameterMap given) {
        return new ConstrainedMixer(scores(config, config.streams() * config.streams(), form.eps(), given), form);
    }

    /** With as many rows for the mix as the form has; a form without any has no scale for them either. */
    private static Scores scores(HyperConnectionsConfig config, int mixRows, double eps, ParameterMap given) {
        int n = config.streams();
        int rows = 2 * n + mixRows;
        return new Scores(
                n,
                config.normEps(),
                eps,
                checked(given, "fn", rows, n * config.width()),
                checked(given, "base", rows),
                checked(given, "scale", config.mixing() instanceof Mixing.Identity ? 2 : 3));
    }

    private static Parameter checked(ParameterMap given, String name, int... dims) {
        Parameter parameter = given.get(name);
        Check.shape("hyper-connections", name, parameter.value(), dims);
        return parameter;
    }
}
