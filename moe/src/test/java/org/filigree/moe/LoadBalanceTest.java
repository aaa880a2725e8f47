package org.filigree.moe;

import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.GradientCheck;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class LoadBalanceTest {
    @ParameterizedTest
    @EveryBackend
    void loadAndBiasByHand(Backend backend) {
        Tensor logits = backend.tensors().doubles(Shape.of(3, 3), new double[] {3, 2, 1, 3, 2, 1, 3, 1, 2});
        Routing routing = TopKRouting.of(2, Scoring.SIGMOID).route(logits);
        Tensor load = LoadBalance.load(routing);
        assertArrayEquals(new double[] {3, 2, 1}, load.toDoubles());
        Parameter bias = Parameter.state(backend.tensors().zeros(Shape.of(3)));
        LoadBalance.update(bias, load, 0.25);
        assertArrayEquals(new double[] {-0.25, 0, 0.25}, bias.value().toDoubles());
    }

    @Test
    void theBiasEvensOutASkewedRouter() {
        Backend backend = TestBackends.get("scalar");
        int experts = 8;
        Tensor x = Sample.gaussian("x", Seed.of("skew"), 256, 6).on(backend);
        Tensor gate = Sample.gaussian("gate", Seed.of("skew"), experts, 6).on(backend);
        Parameter bias = Parameter.state(backend.tensors().zeros(Shape.of(experts)));
        TopKRouting rule = TopKRouting.of(2, Scoring.SIGMOID);
        Tensor logits = matmulTransposed(x, gate);
        double before = largestOverMean(LoadBalance.load(rule.route(logits, bias.value())));
        for (int step = 0; step < 200; step++) {
            LoadBalance.update(bias, LoadBalance.load(rule.route(logits, bias.value())), 0.005);
        }
        double after = largestOverMean(LoadBalance.load(rule.route(logits, bias.value())));
        assertTrue(before > 1.3, "not skewed: " + before);
        assertTrue(after < 1.1, "largest load is " + after + " times the mean, " + before + " before");
    }

    @ParameterizedTest
    @EveryBackend
    void uniformScoresLoseExactlyTheFactor(Backend backend) {
        Routing routing =
                TopKRouting.of(6, Scoring.SIGMOID).route(backend.tensors().zeros(Shape.of(10, 6)));
        assertEquals(0.5, LoadBalance.sequenceLoss(routing, 2, 0.5).item(), 1e-6);
    }

    @ParameterizedTest
    @EveryBackend
    void sequenceLossEqualsPlainLoopsAndDifferences(Backend backend) {
        int length = 5;
        int experts = 4;
        int k = 2;
        Sample logits = Sample.gaussian("logits", Seed.of("sequence loss"), 2 * length, experts);
        var naive = new NaiveRouting(TopKRouting.of(k, Scoring.SIGMOID));
        double expected = 0;
        for (int sequence = 0; sequence < 2; sequence++) {
            double[] f = new double[experts];
            double[] p = new double[experts];
            for (int t = sequence * length; t < (sequence + 1) * length; t++) {
                NaiveRouting.Choice choice = naive.forward(
                        Arrays.copyOfRange(logits.values(), t * experts, (t + 1) * experts), new double[0]);
                double sum = Arrays.stream(choice.scores()).sum();
                for (int e : choice.experts()) {
                    f[e] += (double) experts / (k * length);
                }
                for (int e = 0; e < experts; e++) {
                    p[e] += choice.scores()[e] / sum / length;
                }
            }
            for (int e = 0; e < experts; e++) {
                expected += 0.3 * f[e] * p[e] / 2;
            }
        }
        TopKRouting rule = TopKRouting.of(k, Scoring.SIGMOID);
        Tensor loss = LoadBalance.sequenceLoss(rule.route(logits.on(backend)), 2, 0.3);
        assertEquals(expected, loss.item(), 1e-6);
        GradientCheck.check(
                backend, List.of(logits), 40, x -> LoadBalance.sequenceLoss(rule.route(x.getFirst()), 2, 0.3));
    }

    private static double largestOverMean(Tensor load) {
        double[] tokens = load.toDoubles();
        return Arrays.stream(tokens).max().orElseThrow()
                / Arrays.stream(tokens).average().orElseThrow();
    }
}
