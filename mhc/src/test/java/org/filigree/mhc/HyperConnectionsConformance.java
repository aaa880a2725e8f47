package org.filigree.mhc;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every {@code blocks/hyper-n*} case: weights, collapse, output and every gradient. */
class HyperConnectionsConformance {
    private static final Tolerance TOLERANCE = Tolerance.relative(1e-5);

    @TestFactory
    Stream<DynamicTest> oneStepAroundTanh() throws IOException {
        List<String> cases = cases();
        assertFalse(cases.isEmpty(), "no blocks/hyper-n*.safetensors in " + Conformance.path("blocks"));
        return cases.stream()
                .flatMap(name -> TestBackends.blocks()
                        .map(backend ->
                                DynamicTest.dynamicTest(name + " on " + backend.name(), () -> check(name, backend))));
    }

    private static List<String> cases() throws IOException {
        try (Stream<Path> files = Files.list(Conformance.path("blocks"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("hyper-n") && name.endsWith(".safetensors"))
                    .map(name -> "blocks/" + name.substring(0, name.length() - ".safetensors".length()))
                    .sorted()
                    .toList();
        }
    }

    private static void check(String name, Backend backend) {
        try (SafetensorsFile file = Conformance.open(name)) {
            Map<String, double[]> actual = read(file).on(backend);
            actual.forEach((result, values) ->
                    assertClose(result, Conformance.sample(file, result).values(), values, TOLERANCE));
        }
    }

    private static StepCase read(SafetensorsFile file) {
        Sample x = Conformance.sample(file, "x");
        double eps = leadingNumber(file, "eps");
        int iterations = (int) Conformance.number(file, "iterations");
        var config = HyperConnectionsConfig.of(
                        x.shape().dim(-2), x.shape().dim(-1), new Mixing.DoublyStochastic(iterations, eps))
                .withNormEps(eps);
        return new StepCase(
                config,
                x,
                Conformance.sample(file, "fn"),
                Conformance.sample(file, "base"),
                Conformance.sample(file, "scale"),
                Conformance.sample(file, "f"),
                Conformance.sample(file, "upstream"));
    }

    /** The cases say "1e-6 everywhere". */
    private static double leadingNumber(SafetensorsFile file, String key) {
        return Double.parseDouble(file.metadata().getOrDefault(key, "").split(" ", 2)[0]);
    }
}
