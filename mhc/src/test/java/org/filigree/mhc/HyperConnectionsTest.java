package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.add;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.SwiGluConfig;
import org.filigree.core.op.Reduce;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;

class HyperConnectionsTest {
    @ParameterizedTest
    @EveryBackend
    void theReadmeExample(Backend backend) {
        RandomStream random = RandomStream.of(42);
        Layer mixer = LinearConfig.of(64, 64).init(backend, random.fork("mixer"));
        Layer feedForward = SwiGluConfig.of(64, 128).init(backend, random.fork("feed-forward"));
        HyperConnectionsConfig config = HyperConnections.of(4, 64, Mixing.sinkhorn(20));
        Layer block = config.around(mixer).then(feedForward);
        HyperHead head = config.initHead(backend);

        Tensor x = backend.tensors().floats(Shape.of(1, 3, 64), new float[3 * 64]);
        Tensor streams = block.forward(Streams.expand(x, 4), Context.training());
        Tensor y = head.forward(streams);
        Tensor loss = Reduce.mean(y);
        assertEquals(Shape.of(1, 3, 64), y.shape());
        assertTrue(Autograd.backward(loss)
                .find(block.parameters().get("hc_0_fn").value())
                .isPresent());
    }

    @ParameterizedTest
    @EveryBackend
    void aSingleStreamIsThePlainResidualBitForBit(Backend backend) {
        Layer layer = SwiGluConfig.of(5, 7).init(backend, Seed.of("residual"));
        Tensor x = Sample.gaussian("x", Seed.of("residual"), 2, 3, 5).on(backend);
        Tensor plain = add(x, layer.forward(x, Context.inference()));
        Layer connected = HyperConnections.of(1, 5, Mixing.residual()).around(layer);
        Tensor streams = connected.forward(Streams.expand(x, 1), Context.inference());
        assertEquals(Shape.of(2, 3, 1, 5), streams.shape());
        assertArrayEquals(plain.toDoubles(), streams.toDoubles());
        MixWeights weights = HyperConnections.of(1, 5, Mixing.residual())
                .init(backend, Seed.of("w"))
                .weights(streams);
        assertEquals(1, weights.comb().toDoubles()[0]);
    }

    @Test
    void parametersHaveReleasedNames() {
        Backend backend = TestBackends.get("scalar");
        Layer layer = LinearConfig.of(3, 3).init(backend, RandomStream.of(1));
        HyperConnectionsConfig config = HyperConnections.of(4, 3, Mixing.sinkhorn(20));
        assertEquals(
                List.of(
                        "hc_0_fn",
                        "hc_0_base",
                        "hc_0_scale",
                        "0.weight",
                        "hc_ffn_fn",
                        "hc_ffn_base",
                        "hc_ffn_scale",
                        "ffn.weight"),
                List.copyOf(config.around(layer)
                        .then("ffn", layer)
                        .parameters()
                        .asMap()
                        .keySet()));
        HyperConnections connections = config.init(backend, RandomStream.of(1), 6);
        assertEquals(
                List.of("hc_attn_fn", "hc_attn_base", "hc_attn_scale"),
                List.copyOf(connections.parameters("hc_attn_").asMap().keySet()));
        assertEquals(4 * 6 * 4 * 3 + 4 * 6 + 3, connections.parameters().elements());
        float[] base = connections.parameters().get("base").value().toFloats();
        assertArrayEquals(new float[] {-1, -1, 1, -1, 0, 0, 0, 0, 0, -8}, Arrays.copyOf(base, 10));
        assertEquals(
                "HyperConnections{streams: 4, width: 3, mixing: DoublyStochastic[iterations=20, eps=1.0E-6], parameters: 315}",
                connections.toString());
    }

    @Test
    void badInputGetsAClearError() {
        Backend backend = TestBackends.get("scalar");
        assertMessage(
                IllegalArgumentException.class,
                () -> HyperConnections.of(0, 8, Mixing.sinkhorn(20)),
                "hyper-connections: streams must be between 1 and 8 but is 0");
        assertMessage(
                IllegalArgumentException.class,
                () -> HyperConnections.of(4, 8, Mixing.residual()),
                "the plain residual has 1 stream, not 4");
        assertMessage(IllegalArgumentException.class, () -> Mixing.sinkhorn(0), "iterations must be positive");
        HyperConnections connections =
                HyperConnections.of(4, 8, Mixing.sinkhorn(20)).init(backend, RandomStream.of(1));
        Tensor wrong = backend.tensors().zeros(Shape.of(2, 3, 8));
        assertMessage(
                ShapeException.class,
                () -> connections.apply(wrong, u -> u),
                "streams [2, 3, 8] must be [outer…, 4 streams, 8 width]");
        Tensor oblong = backend.tensors().zeros(Shape.of(2, 3));
        assertMessage(ShapeException.class, () -> Sinkhorn.sinkhorn(oblong, 20, 1e-6), "2 rows and 3 columns");
        Layer drawn = LinearConfig.of(8, 8).init(backend, RandomStream.of(1));
        assertMessage(
                IllegalArgumentException.class,
                () -> HyperConnections.of(4, 8, Mixing.sinkhorn(20))
                        .withStart(new HyperStart.Uniform(0.02, 1))
                        .around(drawn),
                "draws random numbers");
    }

    @ParameterizedTest
    @EveryBackend
    void aNaNSpoilsItsOwnMatrixAlone(Backend backend) {
        double[] logits = new double[3 * 4];
        logits[5] = Double.NaN;
        double[] comb = Sinkhorn.sinkhorn(backend.tensors().doubles(Shape.of(3, 2, 2), logits), 20, 1e-6)
                .toDoubles();
        for (int i = 0; i < comb.length; i++) {
            assertEquals(i / 4 == 1, Double.isNaN(comb[i]), "entry " + i + " is " + comb[i]);
        }
    }

    private static void assertMessage(Class<? extends Exception> type, Executable call, String part) {
        String message = assertThrows(type, call).getMessage();
        assertTrue(message != null && message.contains(part), String.valueOf(message));
    }
}
