package org.filigree.core.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Probe;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.op.Arithmetic;
import org.filigree.core.op.CausalConvolution;
import org.filigree.core.op.CrossEntropy;
import org.filigree.core.op.Hadamard;
import org.filigree.core.op.MatMul;
import org.filigree.core.op.Pointwise;
import org.filigree.core.op.SwiGlu;
import org.filigree.core.tensor.Shape;
import org.filigree.core.testkit.Evaluation;
import org.filigree.core.testkit.OperationCase;
import org.filigree.core.testkit.OperationCases;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TensorFunction;
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
            for (OperationCase each :
                    Stream.concat(OperationCases.all().stream(), large()).toList()) {
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

    /** More than one chunk each, so that threads do share the work. */
    private static Stream<OperationCase> large() {
        var random = Seed.of("ThreadsTest");
        Sample one = Sample.gaussian("one", random, 1);
        Sample row = Sample.gaussian("row", random, 70_001);
        Sample other = Sample.gaussian("other", random, 70_001);
        Sample rows = Sample.gaussian("rows", random, 2, 40_003);
        Sample column = Sample.gaussian("column", random, 2, 1);
        Sample logits = Sample.gaussian("logits", random, 301, 257);
        Sample targets = Sample.ints(
                "targets",
                Shape.of(301),
                IntStream.range(0, 301).map(i -> i % 258 - 1).toArray());
        Sample tokens = Sample.gaussian("tokens", random, 2, 150, 259);
        Sample taps = Sample.gaussian("taps", random, 259, 4);
        Sample square = Sample.gaussian("square", random, 299, 256);
        Sample batch = Sample.gaussian("batch", random, 5, 131, 127);
        Sample factors = Sample.gaussian("factors", random, 5, 127, 65);
        return Stream.of(
                large("unary", List.of(row), in -> Pointwise.exp(in.getFirst())),
                large("scalar with tensor", List.of(one, row), in -> Arithmetic.multiply(in.get(0), in.get(1))),
                large("tensor with scalar", List.of(row, one), in -> Arithmetic.subtract(in.get(0), in.get(1))),
                large("tensor with column", List.of(rows, column), in -> Arithmetic.divide(in.get(0), in.get(1))),
                large("swiGlu", List.of(row, other), in -> SwiGlu.swiGlu(in.get(0), in.get(1))),
                large("cross entropy", List.of(logits, targets), in -> CrossEntropy.losses(in.get(0), in.get(1))),
                large(
                        "causal convolution",
                        List.of(tokens, taps),
                        in -> CausalConvolution.causalConvolution(in.get(0), in.get(1), 3)),
                large("hadamard", List.of(square), in -> Hadamard.hadamard(in.getFirst())),
                large("batched product", List.of(batch, factors), in -> MatMul.matmul(in.get(0), in.get(1))));
    }

    private static OperationCase large(String name, List<Sample> inputs, TensorFunction.Single function) {
        return new OperationCase("large " + name, inputs, 1, OperationCase.Check.ORACLE, TensorFunction.of(function));
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
