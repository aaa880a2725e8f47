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
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
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
import org.filigree.core.testkit.Thrown;
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

    @Test
    void streamCountsThatDoNotFitGetAClearError() {
        Backend backend = TestBackends.get("scalar");
        assertMessage(
                IllegalArgumentException.class,
                () -> HyperConnections.of(3, 8, Mixing.kronecker()),
                "mixes 1, 2, 4 or 8 streams, not 3");
        assertMessage(
                IllegalArgumentException.class,
                () -> HyperConnections.of(6, 8, Mixing.permutations()),
                "up to 5 streams, not 6");
        assertMessage(IllegalArgumentException.class, () -> Mixing.paper(0), "iterations must be positive but is 0");
        assertMessage(
                IllegalArgumentException.class,
                () -> new Mixing.Lagged(20, -1),
                "mixing: eps must be zero or more but is -1.0");
        Parameter fn = Parameter.learned(backend.tensors().zeros(Shape.of(24, 30)));
        Parameter base = Parameter.learned(backend.tensors().zeros(Shape.of(24)));
        Parameter scale = Parameter.learned(backend.tensors().zeros(Shape.of(3)));
        ParameterMap loaded =
                ParameterMap.empty().with("fn", fn).with("base", base).with("scale", scale);
        for (Mixing mixing : List.of(Mixing.sinkhorn(20), Mixing.lagged(20), Mixing.paper(20))) {
            assertMessage(
                    ShapeException.class,
                    () -> HyperConnections.of(4, 8, mixing).over(loaded),
                    "hyper-connections: fn is [24, 30] but must be [24, 32]");
        }
        assertMessage(
                IllegalArgumentException.class,
                () -> new HyperHead(fn, base, scale, 1e-6, 1e-6),
                "columns of fn (30) must be a multiple of streams (24)");
        HyperHead head = HyperConnections.of(4, 8, Mixing.sinkhorn(20)).initHead(backend);
        Tensor three = backend.tensors().zeros(Shape.of(2, 3, 8));
        assertMessage(
                ShapeException.class,
                () -> head.forward(three),
                "hyper-head: streams [2, 3, 8] must be [outer…, 4 streams, 8 width]");
        assertMessage(
                IllegalArgumentException.class, () -> Streams.expand(three, 0), "streams must be positive but is 0");
        assertMessage(
                ShapeException.class,
                () -> new Carried(three, backend.tensors().zeros(Shape.of(2, 4))),
                "carried: pre [2, 4] must be [2, 3]");
        Tensor none = backend.tensors().zeros(Shape.of(2, 0, 0));
        assertMessage(
                IllegalArgumentException.class, () -> Sinkhorn.sinkhorn(none, 20, 1e-6), "must be positive but is 0");
    }

    @Test
    void theLaggedFormSaysHowItIsUsed() {
        Backend backend = TestBackends.get("scalar");
        HyperConnectionsConfig config = HyperConnections.of(4, 8, Mixing.lagged(20));
        HyperConnections connections = config.init(backend, RandomStream.of(1));
        Tensor streams = backend.tensors().zeros(Shape.of(2, 4, 8));
        assertMessage(
                UnsupportedOperationException.class,
                () -> connections.apply(streams, u -> u),
                "use step(carried, subLayer, context), from Carried.start(x, 4) to finish()");
        assertMessage(IllegalArgumentException.class, () -> config.initHead(backend), "use Carried.finish()");
    }

    @ParameterizedTest
    @EveryBackend
    void theReadmeExampleOfTheLaggedForm(Backend backend) {
        RandomStream random = RandomStream.of(42);
        Layer mixer = LinearConfig.of(64, 64).init(backend, random.fork("mixer"));
        Layer feedForward = SwiGluConfig.of(64, 128).init(backend, random.fork("feed-forward"));
        HyperConnected block =
                HyperConnections.of(4, 64, Mixing.lagged(20)).around(mixer).then(feedForward);

        Tensor x = backend.tensors().floats(Shape.of(1, 3, 64), new float[3 * 64]);
        Carried carried = block.forward(Carried.start(x, 4), Context.training());
        Tensor y = carried.finish();
        assertEquals(Shape.of(1, 3, 64), y.shape());
        assertTrue(Autograd.backward(Reduce.mean(y))
                .find(block.parameters().get("hc_1_base").value())
                .isPresent());
    }

    @ParameterizedTest
    @EveryBackend
    void aNaNIsRefusedWhereTensorsAreArraysAndElsewhereSpoilsItsOwnMatrixAlone(Backend backend) {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            for (double eps : new double[] {1e-6, 0}) {
                for (int n : new int[] {1, 2, 4, 5, 9}) {
                    int area = n * n;
                    for (int entry = 0; entry < area; entry++) {
                        double[] logits = new double[19 * area];
                        logits[17 * area + entry] = bad;
                        Tensor tensor = backend.tensors().doubles(Shape.of(19, n, n), logits);
                        if (backend instanceof HostBackend) {
                            var refused =
                                    assertThrows(NaNLogitsException.class, () -> Sinkhorn.sinkhorn(tensor, 2, eps));
                            assertEquals(17, refused.matrix());
                        } else {
                            double[] comb = Sinkhorn.sinkhorn(tensor, 2, eps).toDoubles();
                            for (int i = 0; i < comb.length; i++) {
                                assertEquals(i / area == 17, Double.isNaN(comb[i]), "entry " + i + " is " + comb[i]);
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void aNaNInAStreamIsRefusedByItsToken() {
        for (String name : new String[] {"scalar", "vector"}) {
            Backend backend = TestBackends.get(name);
            float[] values = new float[5 * 4 * 64];
            values[3 * 4 * 64 + 100] = Float.NaN;
            Tensor streams = backend.tensors().floats(Shape.of(5, 4, 64), values);
            for (Mixing mixing :
                    List.of(Mixing.sinkhorn(20), Mixing.paper(20), Mixing.permutations(), Mixing.kronecker())) {
                HyperConnections connections =
                        HyperConnections.of(4, 64, mixing).init(backend, RandomStream.of(1));
                var refused = assertThrows(NaNLogitsException.class, () -> connections.apply(streams, u -> u));
                assertEquals(3, refused.matrix());
                assertMessage(
                        NaNLogitsException.class,
                        () -> connections.weights(streams),
                        ": matrix 3 of 5 in [5, 4, 4] is NaN");
            }
        }
    }

    private static void assertMessage(Class<? extends Exception> type, Executable call, String part) {
        String message = assertThrows(type, call).getMessage();
        assertTrue(message != null && message.contains(part), String.valueOf(message));
    }

    @Test
    void aNameTwiceIsRefused() {
        Backend backend = TestBackends.get("scalar");
        Layer layer = LinearConfig.of(4, 4).init(backend, RandomStream.of(1));
        HyperConnected chain =
                HyperConnections.of(2, 4, Mixing.sinkhorn(20)).around(layer).then("mixer", layer);
        assertTrue(Thrown.message(IllegalArgumentException.class, () -> chain.then("mixer", layer))
                .contains("already has a sub-layer called mixer"));
    }
}
