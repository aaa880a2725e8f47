package org.filigree.mhc;

import static org.filigree.core.op.Pointwise.square;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.reshape;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Storage;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class RecomputationTest {
    @Test
    void theBestBlockEqualsTheGoldenCases() {
        for (JsonNode golden : Golden.entry("recompute_block")) {
            int n = golden.required("n").asInt();
            int layers = golden.required("L").asInt();
            int best = golden.required("argmin").asInt();
            assertEquals(best, Recomputation.bestBlock(n, layers), golden::toString);
            assertEquals(
                    golden.required("cost_over_C").asLong(), Recomputation.cost(n, layers, best), golden::toString);
        }
    }

    @Test
    void badSizesGetAClearError() {
        assertEquals(
                "recomputation: subLayers must be positive but is 0",
                Thrown.message(IllegalArgumentException.class, () -> Recomputation.blocks(0)));
    }

    @ParameterizedTest
    @EveryBackend
    void aPlainResidualAndInferenceKeepTheirPath(Backend backend) {
        Layer layer = LinearConfig.of(5, 5).init(backend, Seed.of("residual"));
        Tensor x = Sample.gaussian("x", Seed.of("residual"), 2, 3, 1, 5).on(backend);
        HyperConnected plain =
                HyperConnections.of(1, 5, Mixing.residual()).around(layer).then(layer);
        HyperConnected plainInBlocks = plain.withRecomputation(Recomputation.automatic());
        assertArrayEquals(gradients(plain, x), gradients(plainInBlocks, x));

        Tensor streams = Streams.expand(reshape(x, 2, 3, 5), 4);
        HyperConnected chain =
                HyperConnections.of(4, 5, Mixing.sinkhorn(20)).around(layer).then(layer);
        HyperConnected chainInBlocks = chain.withRecomputation(Recomputation.blocks(2));
        assertTrue(Autograd.differentiable(chainInBlocks.forward(streams, Context.inference())));
        Tensor out = Autograd.withoutGradients(() -> chainInBlocks.forward(streams, Context.inference()));
        assertFalse(Autograd.differentiable(out));
        assertArrayEquals(
                Autograd.withoutGradients(() -> chain.forward(streams, Context.inference()))
                        .toDoubles(),
                out.toDoubles());
    }

    /** The result, and the gradients of its sum of squares: of the streams and of every parameter. */
    private static double[][] gradients(HyperConnected chain, Tensor x) {
        Tensor leaf = Autograd.leaf(x);
        Tensor out = chain.forward(leaf, Context.training());
        Gradients gradients = Autograd.backward(sum(square(out)));
        var results = new ArrayList<double[]>();
        results.add(out.toDoubles());
        results.add(gradients.of(leaf).toDoubles());
        chain.parameters()
                .forEach((path, parameter) ->
                        results.add(gradients.of(parameter.value()).toDoubles()));
        return results.toArray(double[][]::new);
    }

    @Test
    void theListenerHearsTheForwardPassAlone() {
        Backend backend = TestBackends.get("scalar");
        Layer layer = LinearConfig.of(5, 5).init(backend, Seed.of("listener"));
        HyperConnected chain = HyperConnections.of(2, 5, Mixing.sinkhorn(5))
                .around(layer)
                .then(layer)
                .withRecomputation(Recomputation.blocks(2));
        int[] heard = new int[1];
        Context listening = Context.training().with(MixListener.KEY, (connections, weights) -> heard[0]++);
        Tensor x =
                Autograd.leaf(Sample.gaussian("x", Seed.of("listener"), 3, 2, 5).on(backend));
        Tensor out = chain.forward(x, listening);
        Autograd.backward(out, Autograd.detach(out));
        assertEquals(2, heard[0]);
    }

    /** Of all states, those at the starts of blocks are held by the graph, and no other. */
    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void aGraphInBlocksHoldsTheFirstStateOfEach(String name) {
        Backend backend = TestBackends.get(name);
        int width = TileProducts.PANEL;
        Layer layer = LinearConfig.of(width, width).init(backend, Seed.of("memory"));
        Tensor x = Sample.gaussian("x", Seed.of("memory"), 3, 4, width).on(backend);
        for (int block : new int[] {1, 3, 4, 7}) {
            var states = new ArrayList<WeakReference<Storage>>();
            var subLayers = new ArrayList<HyperConnected.SubLayer>();
            for (int i = 0; i < 7; i++) {
                subLayers.add(new HyperConnected.SubLayer("", watched(backend, width, states), layer));
            }
            Tensor graph = Autograd.detach(x);
            for (HyperConnected.SubLayer subLayer : subLayers) {
                graph = subLayer.connections().apply(graph, u -> layer.forward(u, Context.training()));
            }
            assertEquals(List.of(0, 1, 2, 3, 4, 5, 6), held(states, graph));
            states.clear();
            graph = Autograd.detach(x);
            var firsts = new ArrayList<Integer>();
            for (int from = 0; from < 7; from += block) {
                firsts.add(from);
                graph = RecomputedBlock.forward(
                        graph, subLayers.subList(from, Math.min(7, from + block)), Context.training());
            }
            assertEquals(firsts, held(states, graph));
        }
    }

    /** Which of the states are still there, because the graph or x holds them. */
    private static List<Integer> held(List<WeakReference<Storage>> states, Tensor graph) {
        try {
            System.gc();
            return IntStream.range(0, states.size())
                    .filter(i -> states.get(i).get() != null)
                    .boxed()
                    .toList();
        } finally {
            Reference.reachabilityFence(graph);
        }
    }

    private static HyperConnections watched(Backend backend, int width, List<WeakReference<Storage>> states) {
        HyperConnectionsConfig config = HyperConnections.of(4, width, Mixing.sinkhorn(20));
        ParameterMap parameters = config.init(backend, Seed.of("memory")).parameters();
        return new HyperConnections(config, new Watched(Mixer.of(config, parameters), states));
    }

    /** Notes the states that are read, fused or not. */
    private record Watched(Mixer mixer, List<WeakReference<Storage>> states) implements Mixer {
        @Override
        public MixWeights weights(Tensor streams) {
            states.add(new WeakReference<>(streams.storage()));
            return mixer.weights(streams);
        }

        @Override
        public ParameterMap parameters() {
            return mixer.parameters();
        }

        @Override
        public Optional<FusedSubLayer> fused(HyperConnectionsConfig config) {
            return mixer.fused(config)
                    .map(fused -> new FusedSubLayer(new WatchedKernel(fused.kernel(), states), fused.operands()));
        }
    }

    private record WatchedKernel(SubLayerKernel kernel, List<WeakReference<Storage>> states) implements SubLayerKernel {
        @Override
        public boolean supports(int streams, int width) {
            return kernel.supports(streams, width);
        }

        @Override
        public Read read(Tensor x, Operands operands, @Nullable Tensor carried) {
            states.add(new WeakReference<>(x.storage()));
            return kernel.read(x, operands, carried);
        }

        @Override
        public Tensor write(Tensor x, Tensor y, Tensor post, Tensor comb) {
            return kernel.write(x, y, post, comb);
        }

        @Override
        public WriteGradient writeGradient(Tensor y, Tensor post, Tensor upstream) {
            return kernel.writeGradient(y, post, upstream);
        }

        @Override
        public ReadGradient readGradient(
                Tensor x, Operands operands, @Nullable Tensor carried, Read read, Upstream upstream) {
            return kernel.readGradient(x, operands, carried, read, upstream);
        }
    }
}
