package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.DoubleStream;
import org.filigree.core.nn.LinearConfig.Bias;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.testkit.Compare;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class NaiveEngramTest {
    private static final Tolerance REFERENCE = Tolerance.float64(64).times(100).withFloor(1);

    static List<EngramConfig> forms() {
        return EngramCase.forms();
    }

    @ParameterizedTest
    @MethodSource("forms")
    void gradientsAreThoseOfCentralDifferences(EngramConfig config) {
        int batch = 2;
        int tokens = 5;
        RandomStream random = Seed.of("differences", config);
        EngramCase each = EngramCase.random(config, random);
        Shape shape = Shape.of(batch, tokens, config.streams(), config.width());
        double[] x = EngramCase.gaussian(random.fork("x"), shape);
        double[] upstream = EngramCase.gaussian(random.fork("upstream"), shape);
        var hash = config.hash().init();
        int layer = config.hash().layers().getFirst();
        int[] ids = EngramCase.ids(random.fork("ids"), 0, 13, batch * tokens);
        NgramRows found = hash.rows(TestBackends.get("scalar").tensors().ints(Shape.of(batch, tokens), ids));
        int[] rows = found.of(layer).toInts();
        boolean[] live = live(found, batch * tokens);
        var naive = new NaiveEngram(config);
        NaiveEngram.Weights w = each.weights();
        NaiveEngram.Gradients gradients = naive.backward(w, naive.forward(w, batch, tokens, x, rows, live), upstream);

        check(
                "x",
                x,
                gradients.x(),
                () -> dot(naive.forward(w, batch, tokens, x, rows, live).y(), upstream));
        Map<String, double[]> expected = EngramCase.byPath(gradients.weights());
        EngramCase.byPath(w)
                .forEach((path, value) -> check(
                        path,
                        value,
                        Objects.requireNonNull(expected.get(path)),
                        () -> dot(naive.forward(w, batch, tokens, x, rows, live).y(), upstream)));
    }

    private interface Loss {
        double value();
    }

    /** Moves each element of {@code at} in place and back. */
    private static void check(String name, double[] at, double[] gradient, Loss loss) {
        double[] expected = new double[at.length];
        for (int i = 0; i < at.length; i++) {
            double kept = at[i];
            at[i] = kept + 1e-5;
            double above = loss.value();
            at[i] = kept - 1e-5;
            expected[i] = (above - loss.value()) / 2e-5;
            at[i] = kept;
        }
        Compare.assertClose(
                "gradient of " + name,
                expected,
                gradient,
                Tolerance.relative(2e-6).withFloor(1));
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    @Test
    void agreesWithTheReferenceModule() {
        JsonNode golden = Golden.at("module_demo");
        JsonNode params = golden.get("params");
        EngramConfig config = demo();
        var w = weights(params);
        int[] rows = Golden.ints(golden.get("global_row_ids"));
        int tokens = rows.length / config.hash().columns();
        double[] x = Golden.doubles(params.get("hidden"));
        double[] upstream = Golden.doubles(golden.get("grad_out"));
        var naive = new NaiveEngram(config);
        NaiveEngram.Saved saved = naive.forward(w, 1, tokens, x, rows, live(tokens));
        Compare.assertClose("gate", Golden.doubles(golden.get("gate")), saved.gate(), REFERENCE);
        Compare.assertClose("output", Golden.doubles(golden.get("hidden_out")), plus(x, saved.y()), REFERENCE);

        NaiveEngram.Gradients gradients = naive.backward(w, saved, upstream);
        JsonNode grads = golden.get("grads");
        Compare.assertClose("hidden", Golden.doubles(grads.get("hidden")), plus(upstream, gradients.x()), REFERENCE);
        Map<String, double[]> actual = EngramCase.byPath(gradients.weights());
        EngramCase.byPath(weights(grads))
                .forEach((path, expected) ->
                        Compare.assertClose(path, expected, Objects.requireNonNull(actual.get(path)), REFERENCE));

        Arrays.fill(w.taps(), 0);
        Compare.assertClose(
                "without convolution",
                Golden.doubles(golden.get("hidden_out_zero_conv")),
                plus(x, naive.forward(w, 1, tokens, x, rows, live(tokens)).y()),
                REFERENCE);
    }

    @Test
    void theLayersHashGivesTheReferencesRows() {
        JsonNode golden = Golden.at("module_demo");
        int[] ids = Golden.ints(golden.get("ids"));
        NgramRows rows =
                demo().hash().init().rows(TestBackends.get("scalar").tensors().ints(Shape.of(1, ids.length), ids));
        assertArrayEquals(Golden.ints(golden.get("global_row_ids")), rows.of(1).toInts());
    }

    @Test
    void gateOfAScoreIsThatOfTheReference() {
        for (JsonNode each : Golden.at("gate_scalar").values()) {
            double score = each.get("score").asDouble();
            double zero = each.get("negative_zero").asBoolean() ? -0.0 : score;
            for (GateZero form : GateZero.values()) {
                String key = form == GateZero.SIGN ? "gate_sign" : "gate_copysign";
                assertEquals(
                        each.get(key).asDouble(), NaiveEngram.sigmoid(NaiveEngram.signedRoot(zero, form)), 1e-15, key);
            }
        }
    }

    static EngramConfig demo() {
        var hash = new NgramHashConfig(
                VocabularyCompression.identity(16),
                List.of(2, 3),
                2,
                List.of(11, 13),
                List.of(1, 3),
                0,
                2,
                Barriers.none());
        return new EngramConfig(4, 2, 2, hash, GateZero.SIGN, Bias.PRESENT, Convolution.ofKernel(4, 3), 0x1p-23);
    }

    private static NaiveEngram.Weights weights(JsonNode params) {
        return new NaiveEngram.Weights(
                Golden.doubles(params.get("table")),
                joined(params, "Wk", "Wv"),
                joined(params, "bk", "bv"),
                Golden.doubles(params.get("norm_query")),
                Golden.doubles(params.get("norm_key")),
                Golden.doubles(params.get("conv_norm")),
                Golden.doubles(params.get("conv_w")));
    }

    private static double[] joined(JsonNode params, String first, String second) {
        return DoubleStream.concat(
                        DoubleStream.of(Golden.doubles(params.get(first))),
                        DoubleStream.of(Golden.doubles(params.get(second))))
                .toArray();
    }

    private static double[] plus(double[] a, double[] b) {
        double[] sum = new double[a.length];
        Arrays.setAll(sum, i -> a[i] + b[i]);
        return sum;
    }

    static boolean[] live(int tokens) {
        boolean[] live = new boolean[tokens];
        Arrays.fill(live, true);
        return live;
    }

    static boolean[] live(NgramRows rows, int tokens) {
        boolean[] live = live(tokens);
        rows.live().ifPresent(mask -> {
            float[] values = mask.toFloats();
            for (int i = 0; i < tokens; i++) {
                live[i] = values[i] == 1;
            }
        });
        return live;
    }
}
