package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.params.ParameterizedTest;

class IndexerLossConformance {
    private static final Tolerance TOLERANCE = Tolerance.relative(1e-5);

    @ParameterizedTest
    @EveryBackend
    void agrees(Backend backend) {
        try (SafetensorsFile file = Conformance.open("blocks/indexer-loss")) {
            agrees("dense", IndexerLoss.dense(), backend, file);
            agrees("sparse", IndexerLoss.sparse((int) Conformance.number(file, "top_k")), backend, file);
        }
    }

    private static void agrees(String stage, IndexerLoss objective, Backend backend, SafetensorsFile file) {
        Tensor logits = Conformance.sample(file, "attention_logits").on(backend);
        Tensor scores = Autograd.leaf(Conformance.sample(file, "scores").on(backend));
        Tensor loss = objective.of(logits, scores);
        String label = stage + " on " + backend.name() + ": ";
        assertClose(label + "loss", Conformance.sample(file, stage + ".loss").on(backend), loss, TOLERANCE);
        assertClose(
                label + "gradient",
                Conformance.sample(file, stage + ".grad").on(backend),
                Autograd.backward(loss).of(scores),
                TOLERANCE);
    }
}
