package org.filigree.core.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/** What does not fit is refused at the door, with the operation, the shapes and the numbers that disagree. */
class ShapeErrorTest {
    private static final Backend BACKEND = TestBackends.get("scalar");

    private static Tensor real(int... dims) {
        return BACKEND.tensors().zeros(Shape.of(dims));
    }

    private static Tensor whole(int... dims) {
        Shape shape = Shape.of(dims);
        return BACKEND.tensors().ints(shape, new int[(int) shape.size()]);
    }

    private static DynamicTest refused(Executable call, String... parts) {
        return DynamicTest.dynamicTest(String.join(" ", parts), () -> {
            String message = Thrown.message(IllegalArgumentException.class, call);
            for (String part : parts) {
                assertTrue(message.contains(part), () -> "'" + message + "' does not say '" + part + "'");
            }
        });
    }

    @Test
    void matmulSaysItAll() {
        var thrown = assertThrows(ShapeException.class, () -> MatMul.matmul(real(2, 16, 64), real(32, 128)));
        assertEquals(
                "matmul: left [2, 16, 64] ends in 64 but right [32, 128] starts with 32; transpose the right operand?",
                thrown.getMessage());
    }

    @TestFactory
    List<DynamicTest> products() {
        return List.of(
                refused(() -> MatMul.matmul(real(3), real(3, 2)), "matmul", "[3]", "[3, 2]", "rank 2"),
                refused(() -> MatMul.matmul(real(2, 3, 4), real(5, 4, 2)), "matmul", "[2]", "[5]", "batch axes"),
                refused(
                        () -> MatMul.matmulTransposed(real(2, 3), real(3, 4)),
                        "matmulTransposed",
                        "[2, 3] ends in 3",
                        "[3, 4] ends in 4"),
                refused(
                        () -> MatMul.transposedMatmul(real(2, 3), real(3, 4)),
                        "transposedMatmul",
                        "[2, 3] has 2 rows",
                        "[3, 4] has 3"),
                refused(() -> MatMul.matmul(real(2, 3), whole(3, 4)), "matmul", "right", "[3, 4] is INT32", "FLOAT32"),
                refused(
                        () -> GroupedMatMul.groupedMatmul(real(4, 3), real(2, 5, 6), whole(3)),
                        "groupedMatmul",
                        "weights",
                        "[2, 5, 6]",
                        "[2, 5, 3]"),
                refused(
                        () -> GroupedMatMul.groupedMatmul(real(4, 3), real(2, 5, 3), whole(2)),
                        "groupedMatmul",
                        "offsets",
                        "[2]",
                        "[3]"),
                refused(
                        () -> GroupedMatMul.groupedMatmul(real(4, 3), real(2, 5, 3), whole(3)),
                        "groupedMatmul",
                        "0 to 0",
                        "0 to 4"),
                refused(
                        () -> GroupedMatMul.groupedMatmul(
                                real(4, 3), real(2, 5, 3), BACKEND.tensors().ints(Shape.of(3), new int[] {0, 5, 4})),
                        "groupedMatmul",
                        "descend from 5 to 4 at group 1"),
                refused(() -> Hadamard.hadamard(real(2, 6)), "hadamard", "[2, 6]", "6", "power of two"));
    }

    @TestFactory
    List<DynamicTest> elements() {
        return List.of(
                refused(() -> Arithmetic.add(real(2, 3), real(4, 3)), "add", "[2, 3]", "[4, 3]", "axis -2", "2 and 4"),
                refused(() -> Arithmetic.multiply(real(2), whole(2)), "multiply", "right", "[2] is INT32"),
                refused(() -> Pointwise.exp(whole(2)), "exp", "[2] is INT32", "FLOAT32"),
                refused(() -> Clamp.clamp(real(2), 2, 1), "clamp", "low 2.0", "high 1.0"),
                refused(() -> Broadcasting.broadcastTo(real(2, 3), Shape.of(3)), "broadcastTo", "[2, 3]", "[3]"),
                refused(() -> Broadcasting.broadcastTo(real(2), Shape.of(3)), "broadcastTo", "[2]", "[3]"),
                refused(() -> Select.select(real(4), real(3), real(3)), "select", "[4]", "[3]"),
                refused(() -> SwiGlu.swiGlu(real(2, 3), real(2, 4)), "swiGlu", "[2, 3]", "[2, 4]"),
                refused(() -> Select.select(real(3), real(3), real(2, 3)), "select", "whenClear [2, 3]", "[3]"),
                refused(() -> SwiGlu.swiGlu(real(2), real(2), 0), "swiGlu", "limit", "0.0"));
    }

    @TestFactory
    List<DynamicTest> rows() {
        return List.of(
                refused(() -> Reduce.sum(real(2, 3), 2), "sum", "[2, 3]", "axis 2"),
                refused(() -> Reduce.max(real(2, 0), 1), "max", "axis 1", "[2, 0]", "empty"),
                refused(() -> Reduce.mean(real(0)), "mean", "empty"),
                refused(() -> Softmax.softmax(real()), "softmax", "rank 0"),
                refused(() -> LogSumExp.logSumExp(real()), "logSumExp", "rank 0"),
                refused(() -> RmsNorm.rmsNorm(real(2, 3), real(4), 0), "rmsNorm", "weight", "[4]", "[3]"),
                refused(() -> LayerNorm.layerNorm(real(2, 3), real(3), real(4), 0), "layerNorm", "bias", "[4]", "[3]"),
                refused(() -> RmsNorm.rmsNorm(real(2, 0), 0), "rmsNorm", "width", "0"),
                refused(() -> CrossEntropy.losses(real(2, 3), whole(3)), "crossEntropy", "targets", "[3]", "[2]"),
                refused(() -> CrossEntropy.losses(whole(2, 3), whole(2)), "crossEntropy", "logits", "FLOAT32"),
                refused(() -> CrossEntropy.losses(real(2, 3), real(2)), "crossEntropy", "targets", "INT32"),
                refused(() -> CumulativeSum.cumulativeSum(real(2), 1), "cumulativeSum", "[2]", "axis 1"),
                refused(() -> TopK.topK(real(2, 3), 4), "topK", "k = 4", "[2, 3]", "3 elements"),
                refused(
                        () -> CausalConvolution.causalConvolution(real(1, 4, 3), real(2, 4), 1),
                        "causalConvolution",
                        "weight",
                        "[2, 4]",
                        "[3, 4]"),
                refused(
                        () -> Rotate.rotate(Pairing.HALF_SPLIT, real(4, 2, 6), real(4, 2), real(4, 3)),
                        "rotate",
                        "cos",
                        "[4, 2]",
                        "[4, 3]"),
                refused(
                        () -> Rotate.rotate(Pairing.INTERLEAVED, real(4, 2, 5), real(4, 2), real(4, 2)),
                        "rotate",
                        "width (5)",
                        "two (2)"));
    }

    @TestFactory
    List<DynamicTest> layouts() {
        return List.of(
                refused(() -> Reshape.reshape(real(2, 3), 4), "reshape", "[2, 3]", "6", "[4]", "4"),
                refused(() -> Reshape.reshape(real(2, 3), 4, -1), "reshape", "[2, 3]", "6", "4"),
                refused(() -> Reshape.insertAxis(real(2, 3), 4), "insertAxis", "[2, 3]", "4"),
                refused(() -> Permute.permute(real(2, 3), 0, 0), "permute", "[0, 0]", "[2, 3]"),
                refused(() -> Permute.permute(real(2, 3), 0), "permute", "[2, 3]", "rank 2", "1 axes"),
                refused(() -> Slice.slice(real(2, 3), 1, 2, 4), "slice", "[2, 4)", "axis 1", "[2, 3]", "3 elements"),
                refused(() -> Slice.split(real(2, 3), 1, 2, 2), "split", "4", "axis 1", "[2, 3]", "3 elements"),
                refused(() -> Concat.concat(0, real(2, 3), real(2, 4)), "concat", "[2, 3]", "[2, 4]", "axis 0"),
                refused(() -> Concat.concat(0, List.of()), "concat", "nothing"),
                refused(() -> Concat.concat(2, real(2, 3)), "concat", "[2, 3]", "no axis 2"),
                refused(() -> Permute.transpose(real(2, 3), 0, -3), "transpose", "[2, 3]", "no axis -3"),
                refused(() -> Reshape.flatten(real(2, 3), 0, 2), "flatten", "[2, 3]", "no axis 2"),
                refused(() -> Slice.slice(real(2, 3), 2, 0, 1), "slice", "[2, 3]", "no axis 2"),
                refused(() -> Slice.split(real(2, 3), 2, 1), "split", "[2, 3]", "no axis 2"),
                refused(() -> Gather.gather(real(2, 3), real(2)), "gather", "indices", "INT32"),
                refused(() -> Gather.gatherLast(real(2, 3), whole(3, 1)), "gatherLast", "[2, 3]", "[3, 1]"),
                refused(() -> ScatterAdd.scatterAdd(real(2, 3), whole(3), 4), "scatterAdd", "[2, 3]", "[3]"),
                refused(
                        () -> ScatterAdd.scatterAddLast(real(2, 3), whole(2, 2), 4),
                        "scatterAddLast",
                        "[2, 3]",
                        "[2, 2]"));
    }

    @TestFactory
    List<DynamicTest> indices() {
        var tests = new ArrayList<DynamicTest>();
        for (Backend backend : TestBackends.all(TestBackends.CORE)) {
            Tensor table = backend.tensors().zeros(Shape.of(4, 3));
            for (int wrong : new int[] {4, -2}) {
                Tensor rows = backend.tensors().ints(Shape.of(3), new int[] {0, -1, wrong});
                Tensor places = backend.tensors().ints(Shape.of(4, 1), new int[] {0, -1, 0, wrong});
                Tensor source = backend.tensors().zeros(Shape.of(4, 1));
                tests.add(outside("gather", wrong, 2, 4, () -> Gather.gather(table, rows)));
                tests.add(outside("gatherLast", wrong, 3, 3, () -> Gather.gatherLast(table, places)));
                tests.add(outside("scatterAddLast", wrong, 3, 3, () -> ScatterAdd.scatterAddLast(source, places, 3)));
                tests.add(outside(
                        "scatterAdd",
                        wrong,
                        2,
                        4,
                        () -> ScatterAdd.scatterAdd(backend.tensors().zeros(Shape.of(3, 2)), rows, 4)));
            }
        }
        return tests;
    }

    private static DynamicTest outside(String operation, int index, int place, int bound, Executable call) {
        return DynamicTest.dynamicTest(operation + " " + index, () -> {
            String message = Thrown.message(IndexOutOfBoundsException.class, call);
            assertTrue(
                    message.startsWith(
                            operation + ": index " + index + " at place " + place + " is outside [0, " + bound + ")"),
                    message);
        });
    }

    @Test
    void idsAreNoActivationsAndActivationsNoIds() {
        String ids = Thrown.message(ShapeException.class, () -> MatMul.matmulTransposed(whole(1, 3), real(2, 3)));
        assertTrue(
                ids.startsWith(
                        "matmulTransposed: left [1, 3] is INT32 but must be FLOAT32; token ids become activations"
                                + " in an Embedding"),
                ids);
        String reals = Thrown.message(ShapeException.class, () -> Gather.gather(real(5, 2), real(3)));
        assertTrue(reals.contains("is FLOAT32 but must be INT32; make it with backend.tensors().ints"), reals);
    }

    @Test
    void operandsOfTwoBackendsDoNotMix() {
        Tensor elsewhere = TestBackends.get("vector").tensors().zeros(Shape.of(2));
        String message = Thrown.message(ShapeException.class, () -> Arithmetic.add(real(2), elsewhere));
        assertTrue(message.startsWith("add: [2] lives on backend scalar but [2] on vector"), message);
    }
}
