package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.nn.LinearConfig.Bias;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Compare;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.params.ParameterizedTest;

class EngramConformance {
    private static final double RELATIVE = 1e-5;

    /** Rounded steps around a sum, as in {@link Tolerance}, once for the case's author and once for the backend. */
    private static final double ROUNDING = 2 * 16 * 0x1p-24;

    private static final int DRAWS = 8;

    /** The names of the module's parameters in the case, by path here; where there are two, the second follows the first. */
    private static final Map<String, List<String>> NAMES = Map.of(
            "embed.weight", List.of("table"),
            "wkv.weight", List.of("key_weight", "value_weight"),
            "wkv.bias", List.of("key_bias", "value_bias"),
            "q_weight", List.of("query_norm"),
            "k_weight", List.of("key_norm"),
            "conv.norm_weight", List.of("conv_norm"),
            "conv.weight", List.of("conv_weight"));

    @ParameterizedTest
    @EveryBackend
    void hash(Backend backend) {
        try (SafetensorsFile file = Conformance.open("engram/hash")) {
            var vocabulary = VocabularyCompression.of(file.tensor("lookup").toInts());
            int[] ids = file.tensor("input_ids").toInts();
            assertArrayEquals(
                    file.tensor("compressed_ids").toInts(),
                    Arrays.stream(ids).map(vocabulary::compress).toArray());
            var config = new NgramHashConfig(
                    vocabulary,
                    numbers(file, "orders"),
                    (int) Conformance.number(file, "heads_per_order"),
                    numbers(file, "sizes"),
                    numbers(file, "layers"),
                    (long) Conformance.number(file, "seed"),
                    (int) Conformance.number(file, "pad_id"),
                    Barriers.none());
            NgramHash hash = config.init();
            Tensor tokens = backend.tensors().ints(shape(file, "input_ids"), ids);
            NgramRows rows = hash.rows(tokens);
            assertFalse(config.layers().isEmpty());
            for (int number : config.layers()) {
                LayerHash layer = hash.layer(number);
                assertArrayEquals(file.tensor("multipliers." + number).toLongs(), layer.multipliers());
                assertArrayEquals(file.tensor("head_sizes." + number).toInts(), layer.moduli());
                assertEquals(shape(file, "hashes." + number), rows.of(number).shape());
                assertArrayEquals(
                        withOffsets(file, "hashes." + number, layer),
                        rows.of(number).toInts());
            }
        }
    }

    @ParameterizedTest
    @EveryBackend
    void module(Backend backend) {
        try (SafetensorsFile file = Conformance.open("engram/module")) {
            Shape shape = shape(file, "x");
            EngramConfig config = config(file, shape);
            LayerHash layer = config.hash().init().layer(config.hash().layers().getFirst());
            assertArrayEquals(file.tensor("multipliers").toLongs(), layer.multipliers());
            assertArrayEquals(file.tensor("table_sizes").toInts(), layer.moduli());
            var tokens = EngramCase.context(
                    backend,
                    shape.dim(0),
                    shape.dim(1),
                    file.tensor("compressed_ids").toInts());
            NgramRows rows = config.hash().init().prepare(tokens).require(NgramRows.KEY, "test");
            assertArrayEquals(
                    withOffsets(file, "hashes", layer), rows.of(layer.layer()).toInts());

            Map<String, double[]> values = new LinkedHashMap<>();
            NAMES.forEach((path, names) -> values.put(path, joined(file, "", names)));
            double[] x = file.tensor("x").toDoubles();
            double[] upstream = file.tensor("upstream").toDoubles();
            var module = new EngramCase(config, values);
            EngramCase.Result result = module.run(backend, shape, x, upstream, tokens);
            Map<String, double[]> rounding =
                    rounding(module, shape, x, upstream, rows.of(layer.layer()).toInts());
            check(file, "output", result.output().toDoubles(), part(rounding, "output", 0, x.length));
            check(file, "grad.x", result.gradient("x").toDoubles(), part(rounding, "x", 0, x.length));
            NAMES.forEach((path, names) -> {
                double[] all = result.gradient(path).toDoubles();
                int at = 0;
                for (String name : names) {
                    int end = at + (int) file.tensor("grad." + name).elements();
                    check(file, "grad." + name, Arrays.copyOfRange(all, at, end), part(rounding, path, at, end));
                    at = end;
                }
                assertEquals(all.length, at, path);
            });
        }
    }

    /** Within 1e-5 of the tensor's largest, and what rounding alone makes uncertain in this case. */
    private static void check(SafetensorsFile file, String name, double[] actual, double[] rounding) {
        double[] expected = file.tensor(name).toDoubles();
        double largest = largest(expected);
        Compare.assertClose(
                name, expected, actual, Tolerance.relative(RELATIVE + largest(rounding) / Math.max(largest, 1e-30)));
    }

    /**
     * How far each result moves, in double precision, if every input moves by its share of rounding. The root in the gate makes
     * gradients at scores near zero so sensitive that float32 does not determine them to 1e-5.
     */
    private static Map<String, double[]> rounding(
            EngramCase module, Shape shape, double[] x, double[] upstream, int[] rows) {
        Map<String, double[]> exact = results(module, shape, x, upstream, rows);
        Map<String, double[]> furthest = new LinkedHashMap<>();
        RandomStream random = Seed.of("rounding");
        for (int draw = 0; draw < DRAWS; draw++) {
            Map<String, double[]> values = new LinkedHashMap<>();
            module.values().forEach((path, value) -> values.put(path, rounded(value, random)));
            results(new EngramCase(module.config(), values), shape, rounded(x, random), upstream, rows)
                    .forEach((name, moved) -> {
                        double[] base = Objects.requireNonNull(exact.get(name), name);
                        double[] gap = furthest.computeIfAbsent(name, key -> new double[base.length]);
                        Arrays.setAll(gap, i -> Math.max(gap[i], Math.abs(moved[i] - base[i])));
                    });
        }
        return furthest;
    }

    private static double[] rounded(double[] values, RandomStream random) {
        return Arrays.stream(values)
                .map(value -> value * (1 + ROUNDING * (2 * random.nextDouble() - 1)))
                .toArray();
    }

    private static Map<String, double[]> results(
            EngramCase module, Shape shape, double[] x, double[] upstream, int[] rows) {
        var naive = new NaiveEngram(module.config());
        NaiveEngram.Weights w = module.weights();
        int all = shape.dim(0) * shape.dim(1);
        NaiveEngram.Saved saved = naive.forward(w, shape.dim(0), shape.dim(1), x, rows, NaiveEngramTest.live(all));
        NaiveEngram.Gradients gradients = naive.backward(w, saved, upstream);
        Map<String, double[]> results = new LinkedHashMap<>(EngramCase.byPath(gradients.weights()));
        results.put("output", saved.y());
        results.put("x", gradients.x());
        return results;
    }

    private static double[] part(Map<String, double[]> all, String name, int from, int to) {
        return Arrays.copyOfRange(Objects.requireNonNull(all.get(name), name), from, to);
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).map(Math::abs).max().orElse(0);
    }

    private static EngramConfig config(SafetensorsFile file, Shape shape) {
        List<Integer> orders = numbers(file, "orders");
        int heads = (int) Conformance.number(file, "heads_per_order");
        int[] sizes = file.tensor("table_sizes").toInts();
        List<Integer> firstOfOrder = orders.stream()
                .map(order -> sizes[orders.indexOf(order) * heads])
                .toList();
        var hash = new NgramHashConfig(
                VocabularyCompression.identity((int) Conformance.number(file, "vocabulary")),
                orders,
                heads,
                firstOfOrder,
                List.of((int) Conformance.number(file, "layer")),
                (long) Conformance.number(file, "seed"),
                (int) Conformance.number(file, "pad"),
                Barriers.none());
        double[] eps = reals(file, "eps");
        int dilation = (int) reals(file, "dilation")[0];
        return new EngramConfig(
                shape.dim(3),
                shape.dim(2),
                (int) Conformance.number(file, "head_dim"),
                hash,
                GateZero.SIGN,
                Bias.PRESENT,
                new Convolution.Depthwise((int) Conformance.number(file, "kernel"), dilation, eps[1]),
                eps[0]);
    }

    private static double[] joined(SafetensorsFile file, String prefix, List<String> names) {
        return names.stream()
                .flatMapToDouble(
                        name -> DoubleStream.of(file.tensor(prefix + name).toDoubles()))
                .toArray();
    }

    private static int[] withOffsets(SafetensorsFile file, String name, LayerHash layer) {
        int[] rows = file.tensor(name).toInts();
        int[] offsets = layer.offsets();
        Arrays.setAll(rows, i -> rows[i] + offsets[i % offsets.length]);
        return rows;
    }

    private static Shape shape(SafetensorsFile file, String name) {
        return Shape.of(Arrays.stream(file.tensor(name).shape())
                .mapToInt(Math::toIntExact)
                .toArray());
    }

    private static List<Integer> numbers(SafetensorsFile file, String key) {
        return DoubleStream.of(reals(file, key)).mapToObj(value -> (int) value).toList();
    }

    /** Every number in a sentence of the metadata. */
    private static double[] reals(SafetensorsFile file, String key) {
        String text = Objects.requireNonNull(file.metadata().get(key), key);
        return Pattern.compile("-?\\d+(\\.\\d+)?([eE][-+]?\\d+)?")
                .matcher(text)
                .results()
                .mapToDouble(match -> Double.parseDouble(match.group()))
                .toArray();
    }
}
