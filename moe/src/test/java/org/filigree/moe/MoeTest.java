package org.filigree.moe;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.moe.MoeConfig.CorrectionBias;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;

class MoeTest {
    /** Sends every token to the experts that it names, each with weight 1. */
    private record FixedRouter(int experts, List<Integer> chosen) implements Router {
        @Override
        public Routing route(Tensor x, Context context) {
            int tokens = x.dim(0);
            int[] all = new int[tokens * chosen.size()];
            Arrays.setAll(all, i -> chosen.get(i % chosen.size()));
            Backend backend = Backend.of(x);
            Shape shape = Shape.of(tokens, chosen.size());
            return new Routing(
                    backend.tensors().ints(shape, all),
                    backend.tensors().full(shape, 1),
                    backend.tensors().full(Shape.of(tokens, experts), 1));
        }

        @Override
        public ParameterMap parameters() {
            return ParameterMap.empty();
        }
    }

    @ParameterizedTest
    @EveryBackend
    void theReadmeExample(Backend backend) {
        MoeConfig config = MoeConfig.of(32, 16).withTopK(4).withShared(1);
        Moe layer = config.init(backend, RandomStream.of(42));
        var balancer = new BiasBalancer(0.001);
        Context context = Context.training().with(RoutingListener.KEY, balancer);

        Tensor x = Sample.gaussian("x", Seed.of("readme"), 2, 5, 32).on(backend);
        Tensor y = layer.forward(x, context);
        double[] load = balancer.loads().values().iterator().next().toDoubles();
        balancer.step();

        assertEquals(x.shape(), y.shape());
        assertEquals(2 * 5 * 4, Arrays.stream(load).sum());
        double[] bias = layer.parameters().get("gate.bias").value().toDoubles();
        for (int e = 0; e < load.length; e++) {
            assertEquals(0.001 * Math.signum(2.5 - load[e]), bias[e], 1e-9);
        }
    }

    @Test
    void parametersHaveReleasedNames() {
        Backend backend = TestBackends.get("scalar");
        Moe layer = MoeConfig.of(4, 6).withTopK(2).withShared(1).init(backend, RandomStream.of(1));
        assertEquals(
                List.of(
                        "gate.weight",
                        "gate.bias",
                        "experts.w1",
                        "experts.w2",
                        "experts.w3",
                        "shared_experts.w1.weight",
                        "shared_experts.w2.weight",
                        "shared_experts.w3.weight"),
                List.copyOf(layer.parameters().asMap().keySet()));
        assertEquals(Shape.of(6, 2, 4), layer.parameters().get("experts.w1").shape());
        assertEquals(Shape.of(6, 4, 2), layer.parameters().get("experts.w2").shape());
        assertEquals(7, layer.parameters().learned().size());
        assertEquals("Moe{experts: 6, k: 2, shared: 1, width: 4, hidden: 2, parameters: 198}", layer.toString());
    }

    @ParameterizedTest
    @EveryBackend
    void noTokens(Backend backend) {
        Moe layer = MoeConfig.of(4, 3).withTopK(3).withShared(2).init(backend, RandomStream.of(1));
        Tensor x = Autograd.leaf(backend.tensors().zeros(Shape.of(2, 0, 4)));
        Tensor y = layer.forward(x, Context.training());
        assertEquals(Shape.of(2, 0, 4), y.shape());
        Gradients gradients = Autograd.backward(y, y);
        double[] dw = gradients.of(layer.parameters().get("experts.w1").value()).toDoubles();
        assertTrue(Arrays.stream(dw).allMatch(g -> g == 0));
    }

    @ParameterizedTest
    @EveryBackend
    void allTokensOnOneExpertAndNoneOnTheOthers(Backend backend) {
        MoeConfig config = MoeConfig.of(4, 3);
        Moe layer = config.init(backend, RandomStream.of(1), new FixedRouter(3, List.of(1)));
        Tensor x = Sample.gaussian("x", Seed.of("one expert"), 5, 4).on(backend);
        Tensor y = layer.forward(x, Context.training());
        double[] dw = Autograd.backward(y, x)
                .of(layer.parameters().get("experts.w2").value())
                .toDoubles();
        int size = dw.length / 3;
        for (int i = 0; i < dw.length; i++) {
            assertEquals(i / size == 1, dw[i] != 0, "gradient " + i + " is " + dw[i]);
        }
    }

    @ParameterizedTest
    @EveryBackend
    void aTokenMayHaveNoExpert(Backend backend) {
        Moe layer = MoeConfig.of(4, 3).init(backend, RandomStream.of(1), new FixedRouter(3, List.of(-1, -1)));
        Tensor y = layer.forward(backend.tensors().full(Shape.of(5, 4), 1), Context.inference());
        assertTrue(Arrays.stream(y.toDoubles()).allMatch(v -> v == 0));
    }

    @ParameterizedTest
    @EveryBackend
    void weightsBeforeAndAfterTheDownProjectionAgree(Backend backend) {
        MoeConfig config = MoeConfig.of(6, 5).withTopK(3);
        Moe before = config.init(backend, RandomStream.of(7));
        Moe after = config.withPlacement(WeightPlacement.AFTER_DOWN).over(before.router(), before.parameters());
        Tensor x = Sample.gaussian("x", Seed.of("placement"), 7, 6).on(backend);
        assertClose(
                "y",
                before.forward(x, Context.inference()),
                after.forward(x, Context.inference()),
                Tolerance.of(backend, 20));
    }

    @ParameterizedTest
    @EveryBackend
    void tokenIdsRouteThroughATable(Backend backend) {
        MoeConfig config = MoeConfig.of(4, 5).withTopK(2);
        HashRouter router = HashRouter.init(backend, RandomStream.of(3), config, 11);
        Moe layer = config.init(backend, RandomStream.of(1), router);
        Tensor ids = backend.tensors().ints(Shape.of(1, 3), new int[] {10, 0, 10});
        Tensor x = Sample.gaussian("x", Seed.of("hash"), 1, 3, 4).on(backend);
        int[] table = layer.parameters().get("gate.tid2eid").value().toInts();
        layer.forward(x, Context.inference(ids).with(RoutingListener.KEY, (source, routing) -> {
            assertEquals(layer, source);
            assertArrayEquals(
                    new int[] {table[20], table[21], table[0], table[1], table[20], table[21]},
                    routing.experts().toInts());
            assertEquals(3, Arrays.stream(routing.weights().toDoubles()).sum(), 1e-5);
        }));
        assertMessage(IllegalStateException.class, () -> layer.forward(x, Context.inference()), "no token ids");
        Tensor two = backend.tensors().ints(Shape.of(1, 2), new int[] {1, 2});
        assertMessage(
                ShapeException.class,
                () -> layer.forward(x, Context.inference(two)),
                "2 token ids [1, 2] for 3 tokens");
    }

    @Test
    void badInputGetsAClearError() {
        Backend backend = TestBackends.get("scalar");
        assertMessage(
                IllegalArgumentException.class,
                () -> MoeConfig.of(4, 3).withTopK(4),
                "routing: k = 4 but only 3 experts can be chosen");
        assertMessage(IllegalArgumentException.class, () -> MoeConfig.of(4, 3).withLimit(0), "limit must be positive");
        Moe layer = MoeConfig.of(4, 3).withBias(CorrectionBias.ABSENT).init(backend, RandomStream.of(1));
        Tensor wrong = backend.tensors().zeros(Shape.of(2, 5));
        assertMessage(ShapeException.class, () -> layer.forward(wrong, Context.inference()), "x [2, 5] must end in 4");
        assertMessage(
                IllegalArgumentException.class,
                () -> MoeConfig.of(4, 3).init(backend, RandomStream.of(1), new FixedRouter(2, List.of(0))),
                "the router routes to 2 experts but there are 3");
        Moe beyond = MoeConfig.of(4, 3).init(backend, RandomStream.of(1), new FixedRouter(3, List.of(0, 3)));
        Tensor x = backend.tensors().zeros(Shape.of(2, 4));
        assertMessage(
                IndexOutOfBoundsException.class,
                () -> beyond.forward(x, Context.inference()),
                "token 0 is routed to expert 3 of 3");
    }

    @ParameterizedTest
    @EveryBackend
    void aSingleExpertIsAPlainSwiGlu(Backend backend) {
        MoeConfig config = MoeConfig.of(4, 1);
        Moe layer = config.init(backend, RandomStream.of(5));
        double[] x = Sample.gaussian("x", Seed.of("single"), 4).values();
        ParameterMap parameters = layer.parameters();
        var expert = new NaiveExpert(
                4,
                2,
                Double.POSITIVE_INFINITY,
                parameters.get("experts.w1").value().toFloats(),
                parameters.get("experts.w2").value().toFloats(),
                parameters.get("experts.w3").value().toFloats());
        Tensor y = layer.forward(backend.tensors().doubles(Shape.of(1, 4), x), Context.inference());
        assertClose("y", expert.forward(x), y, Tolerance.of(backend, 8));
    }

    private static void assertMessage(Class<? extends Exception> type, Executable call, String part) {
        String message = assertThrows(type, call).getMessage();
        assertTrue(message != null && message.contains(part), String.valueOf(message));
    }
}
