package org.filigree.mhc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.Reference;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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
        HyperConnected plain = HyperConnections.of(1, 5, Mixing.residual()).around(layer);
        Tensor kept = plain.forward(x, Context.training());
        Tensor again = plain.withRecomputation(Recomputation.automatic()).forward(x, Context.training());
        assertEquals(List.of(kept.toString()), List.of(again.toString()));
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

    /** States alone are n/(n+2) = 2/3 of what the formula counts; the composed form keeps more beside them. */
    @Test
    void aGraphInBlocksHoldsLess() {
        Backend backend = TestBackends.get("vector");
        int layers = 24;
        Layer layer = LinearConfig.of(64, 64).init(backend, Seed.of("memory"));
        HyperConnected chain = HyperConnections.of(4, 64, Mixing.sinkhorn(20)).around(layer);
        for (int i = 1; i < layers; i++) {
            chain = chain.then(layer);
        }
        Tensor x = Sample.gaussian("x", Seed.of("memory"), 256, 4, 64).on(backend);
        double state = 256.0 * 4 * 64 * 4;
        double kept = held(chain, x) / state;
        double again = held(chain.withRecomputation(Recomputation.automatic()), x) / state;
        assertTrue(kept > layers, "everything: " + kept + " states");
        // Six first states, and an input and an output of a quarter of a state for each sub-layer.
        assertTrue(again < 6 + 24 * 0.5 + 4, "in blocks: " + again + " states");
    }

    private static double held(HyperConnected chain, Tensor x) {
        chain.forward(x, Context.training());
        double before = used();
        Tensor graph = chain.forward(x, Context.training());
        try {
            return used() - before;
        } finally {
            Reference.reachabilityFence(graph);
        }
    }

    private static double used() {
        Runtime runtime = Runtime.getRuntime();
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 2; i++) {
            System.gc();
            least = Math.min(least, (double) (runtime.totalMemory() - runtime.freeMemory()));
        }
        return least;
    }
}
