package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
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
import org.filigree.core.testkit.Compare;
import org.filigree.core.testkit.Tolerance;
import tools.jackson.databind.JsonNode;

class GateProperties {
    private static final VocabularyCompression VOCABULARY = VocabularyCompression.identity(13);

    @Property(tries = 12)
    void gateAndItsGradientsAreThoseOfTheReference(@ForAll(supplier = AnyBackend.class) Backend backend) {
        JsonNode golden = Golden.at("gate");
        JsonNode expected = golden.get("copysign_semantics");
        EngramCase each = EngramCase.transparent(
                        2, 4, GateZero.COPY_SIGN, golden.get("eps").asDouble())
                .with("q_weight", Golden.doubles(golden.get("w_hidden")))
                .with("k_weight", Golden.doubles(golden.get("w_embed")));
        Engram layer = each.on(backend);
        Shape shape = Shape.of(1, 3, 2, 4);
        Tensor x = Autograd.leaf(backend.tensors().doubles(shape, Golden.doubles(golden.get("x"))));
        Tensor memory = Autograd.leaf(
                backend.tensors().doubles(Shape.of(1, 3, 12), keysAndValue(golden.get("k"), golden.get("v"))));
        Tensor out = layer.forward(x, memory, Context.training());
        Tensor upstream = backend.tensors().doubles(shape, Golden.doubles(golden.get("grad_out")));
        Gradients gradients = Autograd.backward(out, upstream);

        Tolerance tolerance = Tolerance.of(backend, 64).times(8).withFloor(1);
        Compare.assertClose("out", minus(Golden.doubles(expected.get("out")), x.toDoubles()), out, tolerance);
        Compare.assertClose(
                "x", minus(Golden.doubles(expected.get("grad_x")), upstream.toDoubles()), gradients.of(x), tolerance);
        Compare.assertClose(
                "memory",
                keysAndValue(expected.get("grad_k"), expected.get("grad_v")),
                gradients.of(memory),
                tolerance);
        Compare.assertClose(
                "q_weight",
                Golden.doubles(expected.get("grad_wh")),
                gradients.of(layer.parameters().get("q_weight").value()),
                tolerance);
        Compare.assertClose(
                "k_weight",
                Golden.doubles(expected.get("grad_we")),
                gradients.of(layer.parameters().get("k_weight").value()),
                tolerance);

        Tensor gate = EngramCase.transparent(
                        2, 4, GateZero.SIGN, golden.get("eps").asDouble())
                .with("q_weight", Golden.doubles(golden.get("w_hidden")))
                .with("k_weight", Golden.doubles(golden.get("w_embed")))
                .on(backend)
                .gate(Autograd.detach(x), backend.tensors().doubles(shape, Golden.doubles(golden.get("k"))));
        Compare.assertClose(
                "gate", Golden.doubles(golden.get("ref_f32_gate_sign_semantics")), gate, Tolerance.float32(64));
    }

    private static double[] keysAndValue(JsonNode keys, JsonNode values) {
        double[] k = Golden.doubles(keys);
        double[] v = Golden.doubles(values);
        double[] joined = new double[k.length + v.length];
        for (int t = 0; t < 3; t++) {
            System.arraycopy(k, t * 8, joined, t * 12, 8);
            System.arraycopy(v, t * 4, joined, t * 12 + 8, 4);
        }
        return joined;
    }

    private static double[] minus(double[] a, double[] b) {
        double[] difference = new double[a.length];
        Arrays.setAll(difference, i -> a[i] - b[i]);
        return difference;
    }

    /** In one dimension without eps the score is the product of the weights: each stream here has a score of its own. */
    @Property(tries = 60)
    void gateRisesWithTheScoreAndIsSymmetric(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll GateZero zero,
            @ForAll("scores") double[] magnitudes) {
        double[] sorted = DoubleStream.of(magnitudes).sorted().toArray();
        double[] scores = DoubleStream.concat(
                        DoubleStream.of(sorted), DoubleStream.of(sorted).map(s -> -s))
                .toArray();
        int n = scores.length;
        Engram layer =
                EngramCase.transparent(n, 1, zero, 0).with("q_weight", scores).on(backend);
        double[] gate = layer.gate(
                        backend.tensors().full(Shape.of(1, 1, n, 1), 3),
                        backend.tensors().full(Shape.of(1, 1, n, 1), 2))
                .toDoubles();
        for (int i = 0; i < sorted.length; i++) {
            assertTrue(gate[i] > 0 && gate[i] < 1);
            if (scores[i] == 0) {
                assertEquals(zero == GateZero.SIGN ? 0 : 2.5e-4, Math.abs(gate[i] - 0.5), 1e-7);
            } else {
                assertEquals(1, gate[i] + gate[sorted.length + i], 1e-6);
            }
            if (i > 0 && sorted[i - 1] >= 1e-4 && sorted[i] > sorted[i - 1] * 1.01) {
                assertTrue(gate[i] > gate[i - 1]);
            }
            if (i > 0 && sorted[i] < 1e-6 && sorted[i - 1] > 0) {
                assertEquals(gate[i - 1], gate[i], "flat below 1e-6");
            }
        }
    }

    @Property(tries = 40)
    void gateSeesDirectionsOnly(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 0, max = 99) int seed,
            @ForAll @IntRange(min = -3, max = 3) int power) {
        EngramCase each = EngramCase.random(
                EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 2, 2, 11, 1, 2)), RandomStream.of(seed));
        Engram layer = each.on(backend);
        Shape shape = Shape.of(1, 3, 4, 5);
        double[] x = EngramCase.gaussian(RandomStream.of(seed).fork("x"), shape);
        double[] k = EngramCase.gaussian(RandomStream.of(seed).fork("k"), shape);
        double[] gate = gate(layer, shape, x, k);
        double factor = Math.scalb(1.0, power);
        Tolerance tolerance = Tolerance.float32(64).times(100).withFloor(1);
        Compare.assertClose("x scaled", gate, gate(layer, shape, times(x, factor), k), tolerance);
        Compare.assertClose("k scaled", gate, gate(layer, shape, x, times(k, factor)), tolerance);
        double[] flipped = gate(layer, shape, times(x, -factor), k);
        Arrays.setAll(flipped, i -> 1 - flipped[i]);
        Compare.assertClose("x turned round", gate, flipped, tolerance);
    }

    private static double[] gate(Engram layer, Shape shape, double[] x, double[] k) {
        Backend backend = Backend.of(layer.parameters().get("q_weight").value());
        return layer.gate(backend.tensors().doubles(shape, x), backend.tensors().doubles(shape, k))
                .toDoubles();
    }

    private static double[] times(double[] values, double factor) {
        return Arrays.stream(values).map(v -> v * factor).toArray();
    }

    @Property(tries = 40)
    void scoresNearZeroGetNoGradient(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll GateZero zero,
            @ForAll @IntRange(min = 0, max = 99) int seed) {
        EngramCase each = EngramCase.transparent(2, 3, zero, 1e-6).with("q_weight", 1e-9, 0, -1e-9, 1e-8, 1e-9, 0);
        Engram layer = each.on(backend);
        RandomStream random = RandomStream.of(seed);
        Shape shape = Shape.of(1, 4, 2, 3);
        Tensor x = Autograd.leaf(backend.tensors().doubles(shape, EngramCase.gaussian(random, shape)));
        Shape wide = Shape.of(1, 4, 9);
        Tensor memory = Autograd.leaf(backend.tensors().doubles(wide, EngramCase.gaussian(random, wide)));
        Gradients gradients = Autograd.backward(
                layer.forward(x, memory, Context.training()),
                backend.tensors().doubles(shape, EngramCase.gaussian(random, shape)));
        assertTrue(DoubleStream.of(gradients.of(x).toDoubles()).allMatch(g -> g == 0));
        double[] dMemory = gradients.of(memory).toDoubles();
        for (int i = 0; i < dMemory.length; i++) {
            assertEquals(i % 9 < 6, dMemory[i] == 0, "keys get nothing, values do");
        }
    }

    @Provide
    Arbitrary<double[]> scores() {
        return Arbitraries.of(0.0, 1e-12, 5e-7, 9e-7, 1e-6, 2e-6, 1e-3, 0.3, 1.0, 5.66, 100.0)
                .array(double[].class)
                .ofMinSize(1)
                .ofMaxSize(12);
    }
}
