package org.filigree.moe;

import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;
import org.filigree.moe.MoeConfig.CorrectionBias;

class MoeProperties {
    @Provide
    Arbitrary<MoeConfig> configs() {
        Arbitrary<MoeConfig> sizes = Combinators.combine(
                        Arbitraries.integers().between(1, 7),
                        Arbitraries.integers().between(1, 9),
                        Arbitraries.integers().between(1, 5),
                        Arbitraries.integers().between(0, 2))
                .as((width, experts, hidden, shared) ->
                        MoeConfig.of(width, experts).withHidden(hidden).withShared(shared));
        return Combinators.combine(
                        sizes,
                        Arbitraries.of(Scoring.values()),
                        Arbitraries.of(CorrectionBias.values()),
                        Arbitraries.of(Double.POSITIVE_INFINITY, 0.5),
                        Arbitraries.of(WeightPlacement.values()),
                        Arbitraries.integers().between(1, 9))
                .as((config, scoring, bias, limit, placement, k) -> config.withRouting(
                                TopKRouting.of(Math.min(k, config.experts()), scoring)
                                        .withScale(1.5))
                        .withBias(bias)
                        .withLimit(limit)
                        .withPlacement(placement));
    }

    @Property(tries = 150)
    void layerEqualsThePlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") MoeConfig config,
            @ForAll @IntRange(min = 1, max = 6) int tokens,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Moe layer = layer(config, backend, random);
        Sample x = Sample.gaussian("x", random, 1, tokens, config.width());
        Sample upstream = Sample.gaussian("upstream", random, 1, tokens, config.width());
        Tensor leaf = Autograd.leaf(x.on(backend));
        Tensor y = layer.forward(leaf, Context.training());
        Gradients gradients = Autograd.backward(y, upstream.on(backend));

        var naive = new NaiveMoe(config, layer.parameters());
        double[][] rows = rows(x, config.width());
        double[] expected = Arrays.stream(rows)
                .map(naive::forward)
                .flatMapToDouble(Arrays::stream)
                .toArray();
        Map<String, double[]> expectedGradients = naive.backward(rows, rows(upstream, config.width()));
        // A k-fold sum of products over hidden of products over width; scores pass through it into every gradient.
        long terms = (long) config.width() * config.hidden() * config.experts();
        Tolerance tolerance = Tolerance.of(backend, terms).withFloor(1);
        assertClose("y", expected, y, tolerance);
        expectedGradients.forEach((name, values) -> {
            Tensor of = name.equals("x") ? leaf : layer.parameters().get(name).value();
            assertClose("gradient of " + name, values, gradients.of(of), tolerance);
        });
    }

    @Property(tries = 60)
    void tokensMayBeReordered(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") MoeConfig config,
            @ForAll @IntRange(min = 0, max = 9) int tokens,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Moe layer = layer(config, backend, random);
        Tensor x = Sample.gaussian("x", random, tokens, config.width()).on(backend);
        Tensor order =
                backend.tensors().ints(Shape.of(tokens), random.fork("order").permutation(tokens));
        Tensor after = gather(layer.forward(x, Context.inference()), order);
        Tensor before = layer.forward(gather(x, order), Context.inference());
        assertClose("y", after, before, Tolerance.of(backend, 64).withFloor(1));
    }

    @Property(tries = 30)
    void sameInputSameBits(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") MoeConfig config,
            @ForAll long seed) {
        Moe layer = layer(config, backend, RandomStream.of(seed));
        Tensor x =
                Sample.gaussian("x", RandomStream.of(seed), 5, config.width()).on(backend);
        assertArrayEquals(
                layer.forward(x, Context.inference()).toDoubles(),
                layer.forward(x, Context.inference()).toDoubles());
    }

    /** With a bias that is not 0, where there is one. */
    static Moe layer(MoeConfig config, Backend backend, RandomStream random) {
        Moe layer = config.init(backend, random);
        if (config.bias() == CorrectionBias.PRESENT) {
            layer.parameters()
                    .get("gate.bias")
                    .assign(Sample.gaussian("bias", random, config.experts())
                            .map(v -> v * 0.1)
                            .on(backend));
        }
        return layer;
    }

    private static double[][] rows(Sample sample, int width) {
        double[][] rows = new double[sample.values().length / width][];
        Arrays.setAll(rows, t -> Arrays.copyOfRange(sample.values(), t * width, (t + 1) * width));
        return rows;
    }
}
