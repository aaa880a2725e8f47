package org.filigree.core.nn;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class LayersTest {
    private static final Backend SCALAR = TestBackends.get("scalar");

    private static Parameter learned(Backend backend, Shape shape, double... values) {
        return Parameter.learned(backend.tensors().doubles(shape, values));
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void linear(Backend backend) {
        Linear linear =
                new Linear(learned(backend, Shape.of(2, 3), 1, 2, 3, 4, 5, 6), learned(backend, Shape.of(2), 10, 20));
        Tensor row = backend.tensors().floats(Shape.of(3), new float[] {1, 0, -1});
        assertClose("one row", new double[] {8, 18}, linear.forward(row), Tolerance.EXACT);
        Tensor batch = backend.tensors().full(Shape.of(2, 2, 3), 1);
        Tensor y = linear.forward(batch, Context.inference());
        assertEquals(Shape.of(2, 2, 2), y.shape());
        assertClose("a batch", new double[] {16, 35, 16, 35, 16, 35, 16, 35}, y, Tolerance.EXACT);
        assertEquals(
                List.of("weight", "bias"),
                List.copyOf(linear.parameters().asMap().keySet()));
        assertEquals("Linear{inputs: 3, outputs: 2, bias: true, parameters: 8}", linear.toString());
    }

    @Test
    void linearStartsWithTheVarianceOfItsFanIn() {
        Linear linear = LinearConfig.of(400, 100).init(SCALAR, RandomStream.of(1));
        double sum = 0;
        for (double w : linear.weight().value().toDoubles()) {
            sum += w * w;
        }
        assertEquals(1.0 / 400, sum / 40_000, 0.1 / 400);
        assertArrayEquals(
                linear.weight().value().toFloats(),
                LinearConfig.of(400, 100)
                        .withBias()
                        .init(SCALAR, RandomStream.of(1))
                        .weight()
                        .value()
                        .toFloats());
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void embedding(Backend backend) {
        Embedding embedding = new Embedding(learned(backend, Shape.of(3, 2), 1, 2, 3, 4, 5, 6));
        Tensor ids = backend.tensors().ints(Shape.of(1, 3), new int[] {2, -1, 2});
        Tensor y = embedding.forward(ids);
        assertEquals(Shape.of(1, 3, 2), y.shape());
        assertClose("rows", new double[] {5, 6, 0, 0, 5, 6}, y, Tolerance.EXACT);
        Tensor gradient = Autograd.backward(y, backend.tensors().full(y.shape(), 1))
                .of(embedding.weight().value());
        assertClose("gradient", new double[] {0, 0, 0, 0, 2, 2}, gradient, Tolerance.EXACT);
        Tensor outside = backend.tensors().ints(Shape.of(1), new int[] {3});
        assertThrows(IndexOutOfBoundsException.class, () -> embedding.forward(outside));
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void rmsNorm(Backend backend) {
        RmsNorm norm = RmsNorm.init(backend, 2, 0);
        Tensor x = backend.tensors().floats(Shape.of(1, 2), new float[] {3, 4});
        double rms = Math.sqrt(12.5);
        assertClose("weight 1", new double[] {3 / rms, 4 / rms}, norm.forward(x), Tolerance.float32(2));
        assertThrows(IllegalArgumentException.class, () -> RmsNorm.init(backend, 2, -1));
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void swiGlu(Backend backend) {
        SwiGlu layer = new SwiGlu(
                new Linear(learned(backend, Shape.of(1, 1), 2)),
                new Linear(learned(backend, Shape.of(1, 1), 3)),
                new Linear(learned(backend, Shape.of(1, 1), 5)),
                Double.POSITIVE_INFINITY);
        Tensor x = backend.tensors().floats(Shape.of(1, 1), new float[] {0.5f});
        assertClose("5·silu(1)·1.5", new double[] {7.5 / (1 + Math.exp(-1))}, layer.forward(x), Tolerance.float32(1));
        assertEquals(
                List.of("w1.weight", "w2.weight", "w3.weight"),
                List.copyOf(layer.parameters().asMap().keySet()));
        assertThrows(IllegalArgumentException.class, () -> SwiGluConfig.of(2, 3).withLimit(0));
    }

    @Test
    void parametersKeepTheirOrderAndRefuseDuplicates() {
        Parameter learned = learned(SCALAR, Shape.of(2), 1, 2);
        Parameter state = Parameter.state(SCALAR.tensors().ints(Shape.of(3), new int[3]));
        ParameterMap child = ParameterMap.empty().with("weight", learned).with("table", state);
        ParameterMap map = ParameterMap.empty().with("layers.0", child).with("layers.1", child);
        assertEquals(
                List.of("layers.0.weight", "layers.0.table", "layers.1.weight", "layers.1.table"),
                List.copyOf(map.asMap().keySet()));
        assertEquals(10, map.elements());
        assertEquals(2, map.learned().size());
        String message = Thrown.message(IllegalArgumentException.class, () -> map.with("layers.0", child));
        assertTrue(message.contains("layers.0.weight is taken twice"), message);
        assertThrows(IllegalArgumentException.class, () -> map.get("layers.2.weight"));
        assertThrows(IllegalArgumentException.class, () -> map.with("layers.0.weight", learned));
        assertEquals(child.asMap(), ParameterMap.empty().with("", child).asMap());
    }

    @Test
    void contextsCarryAttachments() {
        Tensor ids = SCALAR.tensors().ints(Shape.of(1, 2), new int[] {1, 2});
        Context context = Context.training(ids).at(5);
        assertEquals(5, context.start());
        assertEquals(Context.Mode.TRAINING, context.mode());
        assertEquals(ids, context.require(Context.TOKEN_IDS, "test"));
        String message = Thrown.message(
                IllegalStateException.class, () -> Context.inference().require(Context.TOKEN_IDS, "engram"));
        assertTrue(message.startsWith("engram: the context has no token ids"), message);
        assertThrows(IllegalArgumentException.class, () -> context.at(-1));
    }

    @Test
    void aContextForInferenceDoesNotStopRecordingByItself() {
        Linear linear = new Linear(learned(SCALAR, Shape.of(1, 1), 2), learned(SCALAR, Shape.of(1), 0));
        Tensor x = SCALAR.tensors().full(Shape.of(1, 1), 3);
        Tensor recorded = linear.forward(x, Context.inference());
        assertTrue(Autograd.differentiable(recorded));
        Tensor plain = Autograd.withoutGradients(() -> linear.forward(x, Context.inference()));
        assertFalse(Autograd.differentiable(plain));
        assertEquals(recorded.item(), plain.item());
    }
}
