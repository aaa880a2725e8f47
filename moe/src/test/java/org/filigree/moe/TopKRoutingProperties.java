package org.filigree.moe;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;
import org.filigree.moe.TopKRouting.Weighting;

class TopKRoutingProperties {
    /** A rule and a number of experts that fits it. */
    record Fitting(TopKRouting rule, int experts) {}

    @Provide
    Arbitrary<Fitting> rules() {
        Arbitrary<Integer> groups = Arbitraries.integers().between(1, 4);
        Arbitrary<Integer> members = Arbitraries.integers().between(1, 5);
        return Combinators.combine(
                        groups, members, Arbitraries.of(Scoring.values()), Arbitraries.of(Weighting.values()))
                .flatAs((g, m, scoring, weighting) -> Arbitraries.integers()
                        .between(1, g)
                        .flatMap(kept -> Arbitraries.integers()
                                .between(1, kept * m)
                                .map(k -> new Fitting(new TopKRouting(k, scoring, g, kept, weighting, 2.5), g * m))));
    }

    @Property(tries = 150)
    void everyBackendEqualsThePlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("rules") Fitting fitting,
            @ForAll @IntRange(min = 0, max = 6) int tokens,
            @ForAll boolean biased,
            @ForAll long seed) {
        int experts = fitting.experts;
        TopKRouting rule = fitting.rule;
        RandomStream random = RandomStream.of(seed);
        Sample logits = Sample.gaussian("logits", random, tokens, experts);
        Sample bias = Sample.gaussian("bias", random, experts).map(v -> v * 0.2);
        Sample upstream = Sample.gaussian("upstream", random, tokens, rule.k());
        Tensor leaf = Autograd.leaf(logits.on(backend));
        Routing routing = biased ? rule.route(leaf, bias.on(backend)) : rule.route(leaf);
        Tensor gradient =
                Autograd.backward(routing.weights(), upstream.on(backend)).of(leaf);

        var naive = new NaiveRouting(rule);
        double[] weights = new double[tokens * rule.k()];
        double[] gradients = new double[tokens * experts];
        for (int t = 0; t < tokens; t++) {
            double[] z = Arrays.copyOfRange(logits.values(), t * experts, (t + 1) * experts);
            NaiveRouting.Choice choice = naive.forward(z, biased ? bias.values() : new double[0]);
            assertArrayEquals(
                    choice.experts(), Arrays.copyOfRange(routing.experts().toInts(), t * rule.k(), (t + 1) * rule.k()));
            System.arraycopy(choice.weights(), 0, weights, t * rule.k(), rule.k());
            double[] up = Arrays.copyOfRange(upstream.values(), t * rule.k(), (t + 1) * rule.k());
            System.arraycopy(naive.backward(z, choice, up), 0, gradients, t * experts, experts);
        }
        Tolerance tolerance = Tolerance.of(backend, experts).withFloor(1);
        assertClose("weights", weights, routing.weights(), tolerance);
        assertClose("gradient", gradients, gradient, tolerance);
    }

    @Property(tries = 60)
    void normalisedWeightsSumToTheScale(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("rules") Fitting fitting,
            @ForAll @DoubleRange(min = 0, max = 30) double spread,
            @ForAll long seed) {
        Tensor logits = Sample.gaussian("logits", RandomStream.of(seed), 3, fitting.experts)
                .map(v -> v * spread)
                .on(backend);
        TopKRouting rule = fitting.rule.withWeighting(Weighting.NORMALISED);
        double[] weights = rule.route(logits).weights().toDoubles();
        for (int t = 0; t < 3; t++) {
            double sum =
                    Arrays.stream(weights, t * rule.k(), (t + 1) * rule.k()).sum();
            // Where all chosen scores are next to nothing, so are the weights.
            assertTrue(Math.abs(sum - 2.5) < 1e-5 || spread > 10, "weights sum to " + sum);
        }
    }

    @Property(tries = 60)
    void tiesGoToTheLowerIndex(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("rules") Fitting fitting,
            @ForAll @DoubleRange(min = -5, max = 5) double logit) {
        Tensor logits = backend.tensors().full(Shape.of(2, fitting.experts), logit);
        int[] experts = fitting.rule.route(logits).experts().toInts();
        for (int i = 0; i < experts.length; i++) {
            assertEquals(i % fitting.rule.k(), experts[i]);
        }
    }

    @Property(tries = 60)
    void theBiasMovesTheChoiceButNotTheWeights(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 2, max = 9) int experts,
            @ForAll long seed) {
        Tensor logits =
                Sample.gaussian("logits", RandomStream.of(seed), 4, experts).on(backend);
        double[] bias = new double[experts];
        bias[experts - 1] = 100;
        TopKRouting rule = TopKRouting.of(1, Scoring.SIGMOID).withWeighting(Weighting.RAW);
        Routing routing = rule.route(logits, backend.tensors().doubles(Shape.of(experts), bias));
        for (int t = 0; t < 4; t++) {
            assertEquals(experts - 1, routing.experts().toInts()[t]);
            assertEquals(
                    routing.scores().toDoubles()[t * experts + experts - 1],
                    routing.weights().toDoubles()[t]);
        }
    }
}
