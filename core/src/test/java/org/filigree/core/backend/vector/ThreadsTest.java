package org.filigree.core.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Probe;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.testkit.Evaluation;
import org.filigree.core.testkit.OperationCase;
import org.filigree.core.testkit.OperationCases;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Same operands, same bits, whatever the number of threads. */
class ThreadsTest {
    @AfterEach
    void forget() {
        System.clearProperty(VectorBackendProvider.THREADS);
    }

    @Test
    void everyOperationGivesTheSameBitsOnOneTwoAndThreeThreads() {
        try (Backend one = open(1);
                Backend two = open(2);
                Backend three = open(3)) {
            for (OperationCase each : OperationCases.all()) {
                List<int[]> expected = bits(each, one);
                for (Backend other : List.of(two, three)) {
                    List<int[]> actual = bits(each, other);
                    assertEquals(expected.size(), actual.size(), each.name());
                    for (int i = 0; i < expected.size(); i++) {
                        assertArrayEquals(expected.get(i), actual.get(i), each.name() + " on " + other.detail());
                    }
                }
            }
        }
    }

    @Test
    void refusesWhatIsNoNumberOfThreads() {
        for (String wrong : List.of("0", "-2", "two", "")) {
            System.setProperty(VectorBackendProvider.THREADS, wrong);
            Probe probe = new VectorBackendProvider().probe();
            String reason = assertInstanceOf(Probe.Unusable.class, probe).reason();
            assertTrue(reason.contains("-Dfiligree.vector.threads=" + wrong + " is no number of threads"), reason);
        }
    }

    private static Backend open(int threads) {
        System.setProperty(VectorBackendProvider.THREADS, String.valueOf(threads));
        Backend backend = new VectorBackendProvider().open();
        assertEquals(threads, ((HostBackend) backend).workers().threads());
        return backend;
    }

    private static List<int[]> bits(OperationCase each, Backend backend) {
        Evaluation evaluation = Evaluation.of(backend, each.inputs(), each.function());
        var bits = new ArrayList<int[]>();
        evaluation.outputs().forEach(tensor -> bits.add(bits(tensor.toFloats())));
        evaluation.gradients().values().forEach(tensor -> bits.add(bits(tensor.toFloats())));
        return bits;
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }
}
