package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.params.ParameterizedTest;

class SparseAttentionConformance {
    private static final Tolerance TOLERANCE = Tolerance.relative(1e-5);

    @ParameterizedTest
    @EveryBackend
    void agrees(Backend backend) {
        try (SafetensorsFile file = Conformance.open("blocks/sparse-attention")) {
            for (SparseAttention form : List.of(SparseAttention.gathered(), SparseAttention.masked())) {
                agrees(form, "plain", backend, file);
                agrees(form, "sink", backend, file);
            }
        }
    }

    private static void agrees(SparseAttention form, String name, Backend backend, SafetensorsFile file) {
        Tensor q = Autograd.leaf(Conformance.sample(file, "q").on(backend));
        Tensor kv = Autograd.leaf(Conformance.sample(file, "kv").on(backend));
        Tensor sink = Autograd.leaf(Conformance.sample(file, "sink").on(backend));
        Tensor expected = Conformance.sample(file, name + ".output").on(backend);
        AttentionInput plain = AttentionInput.of(
                        q, kv, Conformance.sample(file, "indices").on(backend))
                .withValueWidth(expected.dim(-1));
        boolean withSink = name.equals("sink");
        Attended attended = form.attend(withSink ? plain.withSinks(sink) : plain);
        String label = form + " " + name + " on " + backend.name() + ": ";
        assertClose(label + "output", expected, attended.output(), TOLERANCE);
        assertClose(
                label + "lse", Conformance.sample(file, name + ".lse").on(backend), attended.logSumExp(), TOLERANCE);
        Gradients gradients = Autograd.backward(
                attended.output(), Conformance.sample(file, "upstream").on(backend));
        assertClose(label + "dq", Conformance.sample(file, name + ".grad.q").on(backend), gradients.of(q), TOLERANCE);
        assertClose(
                label + "dkv", Conformance.sample(file, name + ".grad.kv").on(backend), gradients.of(kv), TOLERANCE);
        if (withSink) {
            assertClose(
                    label + "dsink",
                    Conformance.sample(file, "sink.grad.sink").on(backend),
                    gradients.of(sink),
                    TOLERANCE);
        }
    }
}
