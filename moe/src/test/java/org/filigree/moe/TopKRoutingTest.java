package org.filigree.moe;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.GradientCheck;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class TopKRoutingTest {
    @ParameterizedTest
    @EveryBackend
    void byHand(Backend backend) {
        Tensor logits = backend.tensors().doubles(Shape.of(1, 4), new double[] {0, 2, -1, 1});
        Tensor bias = backend.tensors().doubles(Shape.of(4), new double[] {0.5, 0, 0, 0});
        Routing routing = TopKRouting.of(2, Scoring.SIGMOID).withScale(2).route(logits, bias);
        // σ = 0.5, 0.8808, 0.2689, 0.7311; with the bias expert 0 has 1.0 and leads.
        assertArrayEquals(new int[] {0, 1}, routing.experts().toInts());
        double sum = 0.5 + 0.8807970779778823;
        assertClose(
                "weights",
                new double[] {2 * 0.5 / sum, 2 * 0.8807970779778823 / sum},
                routing.weights(),
                Tolerance.of(backend, 2));
    }

    @ParameterizedTest
    @EveryBackend
    void groupsThatAreNotKeptAreClosedEvenIfScoresAreNegative(Backend backend) {
        Tensor logits = backend.tensors().doubles(Shape.of(1, 4), new double[] {-1, -1, 3, -3});
        Tensor bias = backend.tensors().doubles(Shape.of(4), new double[] {-5, -5, -9, -9});
        TopKRouting rule = TopKRouting.of(2, Scoring.SIGMOID).withGroups(2, 1);
        assertArrayEquals(new int[] {0, 1}, rule.route(logits, bias).experts().toInts());
    }

    @ParameterizedTest
    @EveryBackend
    void sqrtSoftplusIsFiniteForEveryLogit(Backend backend) {
        double[] z = {-1e30, -1e4, -250, -120, -90, -21, -20, -19, -1, 0, 1, 19, 20, 21, 1e4, 1e30};
        Tensor leaf = Autograd.leaf(backend.tensors().doubles(Shape.of(z.length), z));
        Tensor y = Scoring.SQRT_SOFTPLUS.scores(leaf);
        double[] slopes = Autograd.backward(y, backend.tensors().full(y.shape(), 1))
                .of(leaf)
                .toDoubles();
        for (int i = 0; i < z.length; i++) {
            double expected = z[i] > 20 ? Math.sqrt(z[i]) : Math.sqrt(Math.log1p(Math.exp(z[i])));
            double slope = expected < 1e-9 ? expected / 2 : 1 / (1 + Math.exp(-z[i])) / (2 * expected);
            assertEquals(expected, y.toDoubles()[i], 1e-6 * expected + 1e-44, "value at " + z[i]);
            assertEquals(slope, slopes[i], 1e-6 * slope + 1e-44, "slope at " + z[i]);
        }
    }

    @ParameterizedTest
    @EveryBackend
    void gradientsOfScoresAgreeWithCentralDifferences(Backend backend) {
        Sample logits = Sample.real("logits", Shape.of(2, 4), -24, -6, -1, -0.1, 0.2, 1, 6, 24);
        for (Scoring scoring : Scoring.values()) {
            GradientCheck.check(backend, List.of(logits), 4, x -> scoring.scores(x.getFirst()));
        }
    }

    @ParameterizedTest
    @EveryBackend
    void vanishedScoresGiveFiniteWeights(Backend backend) {
        Tensor logits = Autograd.leaf(backend.tensors().full(Shape.of(1, 3), -1e4));
        Routing routing = TopKRouting.v4().withK(2).route(logits);
        Tensor gradient = Autograd.backward(routing.weights(), backend.tensors().full(Shape.of(1, 2), 1))
                .of(logits);
        assertTrue(Arrays.stream(routing.weights().toDoubles()).allMatch(Double::isFinite));
        assertTrue(Arrays.stream(gradient.toDoubles()).allMatch(Double::isFinite));
    }

    @ParameterizedTest
    @EveryBackend
    void aNaNIsChosenLastAndNeverPassesForANumber(Backend backend) {
        double[] z = {Double.NaN, 1, -2, 0};
        Tensor logits = backend.tensors().doubles(Shape.of(1, 4), z);
        TopKRouting rule = TopKRouting.of(3, Scoring.SIGMOID);
        Routing without = rule.route(logits);
        assertArrayEquals(new int[] {1, 3, 2}, without.experts().toInts());
        assertFalse(Arrays.stream(without.weights().toDoubles()).anyMatch(Double::isNaN));
        Routing with = rule.withK(4).route(logits);
        assertArrayEquals(new int[] {1, 3, 2, 0}, with.experts().toInts());
        assertTrue(Arrays.stream(with.weights().toDoubles()).allMatch(Double::isNaN));
    }

    @Test
    void rulesThatDoNotFitGetAClearError() {
        assertMessage(() -> TopKRouting.v3().check(60), "routing: experts (60) must be a multiple of groups (8)");
        assertMessage(
                () -> TopKRouting.v3().withK(20).check(32), "k = 20 but only 16 experts can be chosen (4 of 8 groups");
        assertMessage(() -> TopKRouting.of(0, Scoring.SIGMOID), "routing: k must be positive but is 0");
        assertMessage(() -> TopKRouting.of(1, Scoring.SIGMOID).withGroups(4, 5), "keptGroups must be between");
    }

    private static void assertMessage(Runnable call, String part) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message != null && message.contains(part), String.valueOf(message));
    }
}
