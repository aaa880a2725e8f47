package org.filigree.core.op;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.params.ParameterizedTest;

/** Small results worked out by hand: what the operations mean, apart from any oracle. */
class WorkedExampleTest {
    private static final Tolerance CLOSE = Tolerance.float32(8);

    private static Tensor real(Backend backend, int[] dims, double... values) {
        return backend.tensors().doubles(Shape.of(dims), values);
    }

    private static int[] dims(int... dims) {
        return dims;
    }

    private static Tensor ints(Backend backend, int[] dims, int... values) {
        return backend.tensors().ints(Shape.of(dims), values);
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void products(Backend backend) {
        Tensor a = real(backend, dims(2, 2), 1, 2, 3, 4);
        Tensor b = real(backend, dims(2, 2), 5, 6, 7, 8);
        assertClose("a·b", new double[] {19, 22, 43, 50}, MatMul.matmul(a, b), Tolerance.EXACT);
        assertClose("a·bᵀ", new double[] {17, 23, 39, 53}, MatMul.matmulTransposed(a, b), Tolerance.EXACT);
        assertClose("aᵀ·b", new double[] {26, 30, 38, 44}, MatMul.transposedMatmul(a, b), Tolerance.EXACT);
        Tensor weights = real(backend, dims(2, 1, 2), 1, 10, 100, 1000);
        Tensor y = GroupedMatMul.groupedMatmul(a, weights, ints(backend, dims(3), 0, 1, 2));
        assertClose("row by row", new double[] {21, 4300}, y, Tolerance.EXACT);
        Tensor leaf = Autograd.leaf(a);
        Tensor gradient = Autograd.backward(Reduce.sum(MatMul.matmul(leaf, b))).of(leaf);
        assertClose("row sums of b", new double[] {11, 15, 11, 15}, gradient, Tolerance.EXACT);
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void hadamardOfOneToEight(Backend backend) {
        Tensor x = real(backend, dims(8), 1, 2, 3, 4, 5, 6, 7, 8);
        double[] expected = {12.7279215, -1.41421354, -2.82842708, 0, -5.65685415, 0, 0, 0};
        assertClose("x·H/√8", expected, Hadamard.hadamard(x), CLOSE);
        assertClose("twice", x, Hadamard.hadamard(Hadamard.hadamard(x)), CLOSE);
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void rows(Backend backend) {
        double third = Math.log(2);
        Tensor x = real(backend, dims(2, 2), 0, third, Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY);
        assertClose("softmax", new double[] {1 / 3.0, 2 / 3.0, 0, 0}, Softmax.softmax(x), CLOSE);
        assertClose("logSumExp", new double[] {Math.log(3), Double.NEGATIVE_INFINITY}, LogSumExp.logSumExp(x), CLOSE);
        Tensor logits = real(backend, dims(3, 2), 0, third, 5, 5, 9, 9);
        Tensor targets = ints(backend, dims(3), 0, 1, -1);
        assertClose("losses", new double[] {Math.log(3), third, 0}, CrossEntropy.losses(logits, targets), CLOSE);
        assertEquals(
                (Math.log(3) + third) / 2,
                CrossEntropy.crossEntropy(logits, targets).item(),
                1e-6);
        Tensor none = ints(backend, dims(3), -1, -1, -1);
        assertEquals(0, CrossEntropy.crossEntropy(logits, none).item());
        double infinite = Double.NEGATIVE_INFINITY;
        Tensor spoilt = Autograd.leaf(real(backend, dims(3, 2), 0, third, infinite, infinite, Double.NaN, Double.NaN));
        Tensor loss = CrossEntropy.crossEntropy(spoilt, ints(backend, dims(3), 0, -1, -1));
        assertEquals(Math.log(3), loss.item(), 1e-6);
        double[] gradient = Autograd.backward(loss).of(spoilt).toDoubles();
        for (int i = 2; i < gradient.length; i++) {
            assertEquals(0, gradient[i], "gradient of a row that does not count");
        }
        for (int wrong : new int[] {-2, 2}) {
            Tensor outside = ints(backend, dims(3), 0, wrong, -1);
            assertEquals(
                    "crossEntropy: target " + wrong + " of row 1 is outside [0, 2) and not -1 (none)",
                    Thrown.message(IndexOutOfBoundsException.class, () -> CrossEntropy.losses(logits, outside)));
        }
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void norms(Backend backend) {
        Tensor x = real(backend, dims(1, 2), 3, 4);
        double rms = Math.sqrt(12.5);
        assertClose("rms", new double[] {3 / rms, 4 / rms}, RmsNorm.rmsNorm(x, 0), CLOSE);
        Tensor weight = real(backend, dims(2), 2, -1);
        assertClose("weighted", new double[] {6 / rms, -4 / rms}, RmsNorm.rmsNorm(x, weight, 0), CLOSE);
        Tensor bias = real(backend, dims(2), 10, 20);
        assertClose("layer", new double[] {8, 19}, LayerNorm.layerNorm(x, weight, bias, 0), CLOSE);
        assertClose("sum along 0", new double[] {3, 4}, Reduce.sum(x, 0), Tolerance.EXACT);
        assertEquals(3.5, Reduce.mean(x).item());
        assertClose("max", new double[] {4}, Reduce.max(x, -1), Tolerance.EXACT);
        assertClose("running", new double[] {3, 7}, CumulativeSum.cumulativeSum(x, 1), Tolerance.EXACT);
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void quarterTurns(Backend backend) {
        Tensor x = real(backend, dims(1, 1, 4), 1, 2, 3, 4);
        Tensor cos = real(backend, dims(1, 2), 0, 1);
        Tensor sin = real(backend, dims(1, 2), 1, 0);
        assertClose(
                "pairs (1, 2) and (3, 4), the first turned",
                new double[] {-2, 1, 3, 4},
                Rotate.rotate(Pairing.INTERLEAVED, x, cos, sin),
                Tolerance.EXACT);
        assertClose(
                "pairs (1, 3) and (2, 4), the first turned",
                new double[] {-3, 2, 1, 4},
                Rotate.rotate(Pairing.HALF_SPLIT, x, cos, sin),
                Tolerance.EXACT);
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void gates(Backend backend) {
        Tensor gate = real(backend, dims(3), 0, 100, -100);
        Tensor up = real(backend, dims(3), 5, 3, 3);
        assertClose("no limit", new double[] {0, 300, 0}, SwiGlu.swiGlu(gate, up), CLOSE);
        double silu = 10 / (1 + Math.exp(-10));
        assertClose("limit 10", new double[] {0, 3 * silu, 0}, SwiGlu.swiGlu(gate, up, 10), CLOSE);
        assertClose("limit 2", new double[] {0, 4 / (1 + Math.exp(-2)), 0}, SwiGlu.swiGlu(gate, up, 2), CLOSE);
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void convolutionLooksBackOnly(Backend backend) {
        Tensor x = real(backend, dims(1, 5, 1), 1, 2, 3, 4, 5);
        Tensor weight = real(backend, dims(1, 3), 100, 10, 1);
        assertClose(
                "dilation 1",
                new double[] {1, 12, 123, 234, 345},
                CausalConvolution.causalConvolution(x, weight, 1),
                Tolerance.EXACT);
        assertClose(
                "dilation 2",
                new double[] {1, 2, 13, 24, 135},
                CausalConvolution.causalConvolution(x, weight, 2),
                Tolerance.EXACT);
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void indices(Backend backend) {
        Tensor table = real(backend, dims(3, 2), 1, 2, 3, 4, 5, 6);
        Tensor rows = ints(backend, dims(3), 2, -1, 2);
        assertClose("gather", new double[] {5, 6, 0, 0, 5, 6}, Gather.gather(table, rows), Tolerance.EXACT);
        assertClose(
                "scatterAdd", new double[] {0, 0, 0, 0, 6, 8}, ScatterAdd.scatterAdd(table, rows, 3), Tolerance.EXACT);
        Tensor places = ints(backend, dims(3, 1), 1, 0, -1);
        assertClose("gatherLast", new double[] {2, 3, 0}, Gather.gatherLast(table, places), Tolerance.EXACT);
        var largest = TopK.topK(real(backend, dims(6), 1, 7, Double.NaN, 7, -1, 2), 6);
        assertArrayEquals(new int[] {1, 3, 5, 0, 4, 2}, largest.indices().toInts());
        assertArrayEquals(
                new float[] {7, 7, 2, 1, -1, Float.NaN}, largest.values().toFloats());
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void layouts(Backend backend) {
        Tensor x = real(backend, dims(2, 3), 1, 2, 3, 4, 5, 6);
        assertClose("permute", new double[] {1, 4, 2, 5, 3, 6}, Permute.permute(x, 1, 0), Tolerance.EXACT);
        assertClose("slice", new double[] {2, 3, 5, 6}, Slice.slice(x, 1, 1, 3), Tolerance.EXACT);
        List<Tensor> halves = Slice.split(x, 1, 1, 2);
        assertClose("split", new double[] {1, 4}, halves.getFirst(), Tolerance.EXACT);
        assertClose("concat", x, Concat.concat(1, halves), Tolerance.EXACT);
        assertClose(
                "broadcast",
                new double[] {1, 1, 4, 4},
                Broadcasting.broadcastTo(halves.getFirst(), Shape.of(2, 2)),
                Tolerance.EXACT);
        assertEquals(Shape.of(3, 2), Reshape.reshape(x, 3, -1).shape());
        Tensor mask = real(backend, dims(3), 1, 0, -2);
        Tensor missing = real(backend, dims(3), Double.NaN, 8, 9);
        assertClose(
                "select",
                new double[] {8, 8, 9},
                Select.select(
                        Arithmetic.subtract(mask, real(backend, dims(3), 1, 0, 0)), missing, real(backend, dims(), 8)),
                Tolerance.EXACT);
    }
}
