package org.filigree.mhc;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.params.ParameterizedTest;

/** The case {@code blocks/sinkhorn}: mild and extreme logits of several sizes, values and gradients. */
class SinkhornConformance {
    private static final String LOGITS = ".logits";
    private static final Tolerance TOLERANCE = Tolerance.relative(1e-5);

    @ParameterizedTest
    @EveryBackend
    void valuesAndGradients(Backend backend) {
        try (SafetensorsFile file = Conformance.open("blocks/sinkhorn")) {
            int iterations = (int) Conformance.number(file, "iterations");
            double eps = Conformance.number(file, "eps");
            List<String> cases = file.names().stream()
                    .filter(name -> name.endsWith(LOGITS))
                    .map(name -> name.substring(0, name.length() - LOGITS.length()))
                    .toList();
            assertFalse(cases.isEmpty(), "no case in " + file);
            for (String name : cases) {
                Tensor logits =
                        Autograd.leaf(Conformance.sample(file, name + LOGITS).on(backend));
                Tensor output = Sinkhorn.sinkhorn(logits, iterations, eps);
                Tensor upstream = Conformance.sample(file, name + ".upstream").on(backend);
                assertClose(
                        name + ".output",
                        Conformance.sample(file, name + ".output").values(),
                        output,
                        TOLERANCE);
                assertClose(
                        name + ".grad",
                        Conformance.sample(file, name + ".grad").values(),
                        Autograd.backward(output, upstream).of(logits),
                        TOLERANCE);
            }
        }
    }
}
