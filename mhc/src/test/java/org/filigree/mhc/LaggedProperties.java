package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Pointwise.tanh;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.op.Reshape;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;

class LaggedProperties {
    @Property(tries = 60)
    void stepsEqualThePlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 4) int depth,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 9) int width,
            @ForAll @IntRange(min = 1, max = 3) int tokens,
            @ForAll long seed) {
        LaggedCase steps = LaggedCase.random(depth, n, width, tokens, RandomStream.of(seed));
        Map<String, double[]> naive = steps.naive();
        Tolerance tolerance =
                Tolerance.of(backend, (long) n * width + 40).times(depth).withFloor(1);
        steps.on(backend).forEach((name, values) -> assertClose(name, StepCase.result(naive, name), values, tolerance));
    }

    @Property(tries = 10)
    void plainLoopsAgreeWithCentralDifferences(
            @ForAll @IntRange(min = 1, max = 3) int depth,
            @ForAll @IntRange(min = 1, max = 4) int n,
            @ForAll @IntRange(min = 1, max = 3) int width,
            @ForAll long seed) {
        LaggedCase steps = LaggedCase.random(depth, n, width, 2, RandomStream.of(seed));
        Map<String, double[]> naive = steps.naive();
        Tolerance tolerance = Tolerance.relative(1e-7).withFloor(1);
        double[] x = steps.steps().getFirst().x().values();
        assertClose("x", CentralDifferences.of(x, steps::loss), StepCase.result(naive, "grad.x"), tolerance);
        for (int s = 0; s < depth; s++) {
            StepCase step = steps.steps().get(s);
            for (Sample operand : new Sample[] {step.fn(), step.base(), step.scale(), step.f()}) {
                assertClose(
                        s + " " + operand.name(),
                        CentralDifferences.of(operand.values(), steps::loss),
                        StepCase.result(naive, "grad." + s + "." + operand.name()),
                        tolerance);
            }
        }
    }

    @Property(tries = 30)
    void onlyTheFirstReadingDiffersWhereWeightsAreStatic(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 2, max = 5) int depth,
            @ForAll long seed) {
        StepCase drawn = StepCase.random(Mixing.lagged(20), n, 3, RandomStream.of(seed), 4);
        StepCase still = drawn.with(drawn.config(), drawn.scale().map(v -> 0));
        HyperConnections lagged = still.connections(backend);
        HyperConnections ordinary = still.with(HyperConnections.of(n, 3, Mixing.sinkhorn(20)), still.scale())
                .connections(backend);
        Carried carried = Carried.start(still.x().on(backend));
        var inputs = new ArrayList<Tensor>();
        Tensor first = Slice.slice(carried.streams(), -2, 0, 1);
        for (int s = 0; s < depth; s++) {
            Tensor expected = s == 0
                    ? Reshape.reshape(first, 4, 3)
                    : ordinary.weights(carried.streams()).collapse(carried.streams());
            carried = lagged.step(
                    carried,
                    u -> {
                        inputs.add(u);
                        return tanh(u);
                    },
                    Context.inference());
            assertArrayEquals(expected.toDoubles(), inputs.get(s).toDoubles());
        }
        assertArrayEquals(
                lagged.weights(carried.streams()).collapse(carried.streams()).toDoubles(),
                carried.finish().toDoubles());
    }

    @Property(tries = 20)
    void chainsHandTheirWeightsOn(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Context context = Context.inference();
        Layer layer = LinearConfig.of(5, 5).init(backend, random);
        HyperConnectionsConfig config =
                HyperConnections.of(n, 5, Mixing.lagged(20)).withStart(new HyperStart.Uniform(0.3, 1));
        HyperConnected whole = config.around(layer, backend, random).then(layer).then(layer);
        HyperConnected front = config.around(layer, backend, random);
        HyperConnected back = config.around(layer, backend, random).then(layer);
        for (int s = 0; s < 3; s++) {
            HyperConnected part = s == 0 ? front : back;
            for (String name : new String[] {"fn", "base", "scale"}) {
                Parameter source = whole.parameters().get("hc_" + s + "_" + name);
                part.parameters().get("hc_" + (s == 0 ? 0 : s - 1) + "_" + name).assign(source.value());
            }
        }
        Carried start = Carried.start(Sample.gaussian("x", random, 2, 3, 5).on(backend), n);
        Tensor memory = Sample.gaussian("memory", random, 2, 3, n, 5).on(backend);
        Carried once = whole.forward(start.withStreams(add(start.streams(), memory)), context);
        Carried between = front.forward(start.withStreams(add(start.streams(), memory)), context);
        Carried twice = back.forward(between, context);
        assertArrayEquals(once.streams().toDoubles(), twice.streams().toDoubles());
        assertArrayEquals(once.finish().toDoubles(), twice.finish().toDoubles());
        String message = assertThrows(
                        UnsupportedOperationException.class, () -> whole.forward(start.streams(), context))
                .getMessage();
        assertTrue(message != null && message.contains("use forward(carried, context), from Carried.start"), message);
    }

    @Property(tries = 10)
    void otherFormsLeaveTheCarriedWeightsAsTheyAre(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll(supplier = AnyForm.class) Mixing mixing,
            @ForAll long seed) {
        StepCase step = StepCase.random(mixing, 4, 3, RandomStream.of(seed), 2);
        HyperConnections connections = step.connections(backend);
        Carried start = Carried.start(step.x().on(backend));
        Carried after = connections.step(start, u -> tanh(u), Context.inference());
        assertEquals(start.pre(), after.pre());
        assertArrayEquals(
                connections.apply(start.streams(), u -> tanh(u)).toDoubles(),
                after.streams().toDoubles());
    }
}
