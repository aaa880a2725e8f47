package org.filigree.ojalgo;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.Reshape;
import org.filigree.core.op.Slice;
import org.filigree.core.optim.Muon;
import org.filigree.core.optim.MuonConfig;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.params.ParameterizedTest;

/** Core's Muon; here because this is the first module that sees all three backends. */
class MuonConformance {
    private static final String WEIGHT = ".weight";

    @ParameterizedTest
    @EveryBackend
    void stepsAsInTheReport(Backend backend) {
        try (SafetensorsFile file = Conformance.open("blocks/muon")) {
            List<String> matrices = file.names().stream()
                    .filter(name -> name.endsWith(WEIGHT))
                    .map(name -> name.substring(0, name.length() - WEIGHT.length()))
                    .toList();
            assertFalse(matrices.isEmpty(), file.toString());
            matrices.forEach(matrix -> steps(backend, file, matrix));
        }
    }

    private static void steps(Backend backend, SafetensorsFile file, String matrix) {
        Parameter weight =
                Parameter.learned(Conformance.sample(file, matrix + WEIGHT).on(backend));
        Tensor gradients = Conformance.sample(file, matrix + ".grads").on(backend);
        Muon muon = MuonConfig.deepSeek()
                .withDecay(Conformance.number(file, "weight_decay"))
                .withMomentum(Conformance.number(file, "momentum"))
                .init(ParameterMap.empty().with(matrix, weight));
        for (int step = 0; step < gradients.dim(0); step++) {
            Tensor gradient = Reshape.reshape(Slice.slice(gradients, 0, step, step + 1), weight.shape());
            muon.step(Autograd.backward(weight.value(), gradient), Conformance.number(file, "lr"));
        }
        assertClose(
                matrix + " after " + gradients.dim(0) + " steps on " + backend.name(),
                Conformance.sample(file, matrix + ".after").on(backend),
                weight.value(),
                Tolerance.relative(1e-4));
    }
}
