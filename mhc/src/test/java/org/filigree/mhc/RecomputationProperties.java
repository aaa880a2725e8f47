package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Pointwise.square;
import static org.filigree.core.op.Pointwise.tanh;
import static org.filigree.core.op.Reduce.sum;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;

class RecomputationProperties {
    private static final List<Mixing> MIXINGS = List.of(
            Mixing.sinkhorn(20),
            Mixing.sinkhorn(3),
            Mixing.paper(20),
            Mixing.permutations(),
            Mixing.kronecker(),
            Mixing.identity(),
            Mixing.dynamic(),
            Mixing.fixed());

    /** One that only compositions can do, and one that the fused sub-layer can do as well. */
    private static final List<Integer> WIDTHS = List.of(5, TileProducts.PANEL);

    /** Writes tanh(u·wᵀ) and adds Σ u² to a loss of its own, as routers and indexers do. */
    private record Aside(Parameter weight, List<Tensor> losses) implements Layer {
        @Override
        public Tensor forward(Tensor u, Context context) {
            losses.add(sum(square(u)));
            return tanh(matmulTransposed(u, weight.value()));
        }

        @Override
        public ParameterMap parameters() {
            return ParameterMap.empty().with("weight", weight);
        }
    }

    @Property(tries = 80)
    void statesAndGradientsAreThoseOfKeepingEverythingBitForBit(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 5) int streams,
            @ForAll @IntRange(min = 1, max = 7) int subLayers,
            @ForAll @IntRange(min = 1, max = 8) int block,
            @ForAll @IntRange(min = 0, max = 7) int form,
            @ForAll @IntRange(min = 0, max = 1) int widthIndex,
            @ForAll @IntRange(min = 0, max = 9) int tokens,
            @ForAll boolean auxiliary,
            @ForAll long seed) {
        var losses = new ArrayList<Tensor>();
        Mixing mixing = MIXINGS.get(form);
        int n = AnyForm.streams(mixing, streams);
        int width = WIDTHS.get(widthIndex);
        HyperConnected chain = chain(backend, n, width, subLayers, mixing, losses, RandomStream.of(seed));
        Sample x = Sample.gaussian("x", RandomStream.of(seed), 1, tokens, n, width);
        Sample upstream = Sample.gaussian("upstream", RandomStream.of(seed), 1, tokens, n, width);
        Map<String, double[]> kept = run(chain, x, upstream, auxiliary, losses, backend);
        for (Recomputation choice : List.of(Recomputation.blocks(block), Recomputation.automatic())) {
            Map<String, double[]> again = run(chain.withRecomputation(choice), x, upstream, auxiliary, losses, backend);
            assertEquals(kept.keySet(), again.keySet());
            kept.forEach((name, values) -> assertArrayEquals(values, StepCase.result(again, name), name));
        }
    }

    @Property(tries = 20)
    void aGraphCanBeDifferentiatedTwice(@ForAll(supplier = AnyBackend.class) Backend backend, @ForAll long seed) {
        var losses = new ArrayList<Tensor>();
        HyperConnected chain = chain(backend, 3, 4, 5, Mixing.sinkhorn(20), losses, RandomStream.of(seed))
                .withRecomputation(Recomputation.blocks(3));
        Tensor x = Autograd.leaf(
                Sample.gaussian("x", RandomStream.of(seed), 2, 3, 4).on(backend));
        Tensor out = sum(square(chain.forward(x, Context.training())));
        Tensor aside = losses.get(3);
        double[] whole = Autograd.backward(out).of(x).toDoubles();
        double[] part = Autograd.backward(aside).of(x).toDoubles();
        assertArrayEquals(whole, Autograd.backward(out).of(x).toDoubles());
        assertArrayEquals(part, Autograd.backward(aside).of(x).toDoubles());
    }

    @Example
    void theFormulaIsCloseToTheBestBlock() {
        for (int n = 1; n <= 16; n++) {
            for (int layers = 1; layers < 200; layers++) {
                theFormulaIsCloseToTheBestBlock(n, layers);
            }
        }
    }

    private static void theFormulaIsCloseToTheBestBlock(int n, int layers) {
        int best = Recomputation.bestBlock(n, layers);
        for (int block = 1; block <= layers; block++) {
            assertTrue(Recomputation.cost(n, layers, best) <= Recomputation.cost(n, layers, block));
        }
        int formula = Math.clamp(Math.round(Math.sqrt((double) n * layers / (n + 2))), 1, layers);
        String both = "n " + n + ", " + layers + " sub-layers: formula " + formula + ", best " + best;
        assertTrue(Math.abs(formula - best) <= 2, both);
        assertTrue(Recomputation.cost(n, layers, formula) <= 1.08 * Recomputation.cost(n, layers, best), both);
    }

    private static HyperConnected chain(
            Backend backend, int n, int width, int subLayers, Mixing mixing, List<Tensor> losses, RandomStream random) {
        HyperConnectionsConfig config = HyperConnections.of(n, width, mixing).withStart(new HyperStart.Uniform(0.5, 1));
        HyperConnected chain = HyperConnected.empty(config, backend, random.fork("connections"));
        for (int i = 0; i < subLayers; i++) {
            Sample weight = Sample.gaussian("weight" + i, random, width, width);
            chain = chain.then(new Aside(Parameter.learned(weight.on(backend)), losses));
        }
        chain.parameters().forEach((path, parameter) -> {
            if (path.startsWith("hc_")) {
                double[] values = Sample.gaussian(
                                path, random, parameter.shape().toArray())
                        .values();
                parameter.assign(backend.tensors().doubles(parameter.shape(), values));
            }
        });
        return chain;
    }

    private static Map<String, double[]> run(
            HyperConnected chain, Sample x, Sample upstream, boolean auxiliary, List<Tensor> losses, Backend backend) {
        losses.clear();
        Tensor streams = Autograd.leaf(x.on(backend));
        Tensor out = chain.forward(streams, Context.training());
        Tensor loss = sum(multiply(out, upstream.on(backend)));
        if (auxiliary) {
            loss = losses.stream().reduce(loss, (a, b) -> add(a, b));
        }
        Gradients gradients = Autograd.backward(loss);
        var results = new LinkedHashMap<String, double[]>();
        results.put("out", out.toDoubles());
        results.put("x", gradients.of(streams).toDoubles());
        chain.parameters()
                .forEach((path, parameter) -> gradients
                        .find(parameter.value())
                        .ifPresent(gradient -> results.put(path, gradient.toDoubles())));
        return results;
    }
}
