package org.filigree.mhc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;

class StabilityMonitorTest {
    @Test
    void averagesOverTokensWhatWasComputedForEach() {
        StabilityMonitor monitor = new StabilityMonitor(100);
        hears(monitor, 2, 0, 0, 1, /* second token */ 1, 0, 0, 1);
        hears(monitor, 1, 0, 1, 1, /* second token */ 0.5, 0.5, 0.5, 0.5);
        StabilityReport report = monitor.report();
        List<StabilityReport.Depth> depths = report.subLayers();
        assertEquals(new Gain(1.5, 1.5), depths.get(0).own().gain());
        // comb is the transpose: the first token has M_2 = [[1, 1], [0, 1]] and M_2·M_1 = [[2, 1], [0, 1]].
        assertEquals(new Gain((2 + 1) / 2.0, (2 + 1) / 2.0), depths.get(1).own().gain());
        assertEquals(new Gain((2 + 1) / 2.0, (2 + 1) / 2.0), depths.get(0).composite());
        assertEquals(new Gain((3 + 1) / 2.0, (2 + 1) / 2.0), depths.get(1).composite());
        assertEquals(new Gain(2, 1.5), report.peak());
        assertEquals(new Gain(2, 1.5), report.whole());
        assertEquals(new Gain(1.5, 1.5), report.largestOwn());
        assertEquals((2 + 1) / 2.0, depths.get(0).own().spectralNorm(), 1e-15);
        assertEquals(Math.log(2) * 0.75, depths.get(1).own().entropy(), 1e-15);
        assertEquals(0.5, depths.get(0).own().rows());
        String table = report.table();
        assertEquals(3, table.lines().count());
        assertTrue(table.contains("1…l forward") && table.contains("0.5199"), table);
        String message = Thrown.message(IllegalStateException.class, monitor::report);
        assertTrue(message.contains("no mix was heard"), message);
    }

    @Test
    void refusesPassesOfDifferentLength() {
        StabilityMonitor monitor = new StabilityMonitor(100);
        hears(monitor, 1, 0, 0, 1);
        String message =
                Thrown.message(IllegalStateException.class, () -> hears(monitor, 1, 0, 0, 1, /* again */ 1, 0, 0, 1));
        assertTrue(message.contains("mixes of 2 tokens, but those before had 1"), message);
    }

    @Test
    void passesWithoutTokensAreNotCounted() {
        StabilityMonitor monitor = new StabilityMonitor(100);
        hears(monitor);
        assertNothingHeard(monitor);
        hears(monitor);
        hears(monitor, 2, 0, 0, 1);
        assertEquals(new Gain(2, 2), monitor.report().whole());
    }

    private static void assertNothingHeard(StabilityMonitor monitor) {
        String message = Thrown.message(IllegalStateException.class, monitor::report);
        assertTrue(message.contains("no mix was heard"), message);
    }

    @Test
    void passesBeforeAReportAreOneStackOfMoreTokens() {
        Backend backend = TestBackends.get("scalar");
        HyperConnections first = connections();
        HyperConnections second = connections();
        StabilityMonitor monitor = new StabilityMonitor(100);
        monitor.mixed(first, weights(backend, 2, 0, 0, 1));
        monitor.mixed(second, weights(backend, 3, 0, 0, 1));
        monitor.mixed(first, weights(backend, 4, 0, 0, 1, /* second token */ 1, 0, 0, 1));
        monitor.mixed(second, weights(backend, 5, 0, 0, 1, /* second token */ 1, 0, 0, 1));
        StabilityReport report = monitor.report();
        assertEquals(2, report.subLayers().size());
        assertEquals((2 * 3 + 4 * 5 + 1) / 3.0, report.whole().forward(), 1e-14);
        assertNothingHeard(monitor);
    }

    @Test
    void aPassThatBrokeOffIsRefusedOnce() {
        Backend backend = TestBackends.get("scalar");
        HyperConnections first = connections();
        HyperConnections second = connections();
        StabilityMonitor monitor = new StabilityMonitor(100);
        for (int pass = 0; pass < 2; pass++) {
            monitor.mixed(first, weights(backend, 2, 0, 0, 1));
            if (pass > 0) {
                monitor.mixed(second, weights(backend, 3, 0, 0, 1));
            }
        }
        String message = Thrown.message(IllegalStateException.class, monitor::report);
        assertTrue(message.contains("one pass had 1 sub-layers and another 2"), message);
        monitor.mixed(first, weights(backend, 2, 0, 0, 1));
        assertEquals(new Gain(2, 2), monitor.report().whole());
    }

    @ParameterizedTest
    @EveryBackend
    void aStackOfConstrainedSubLayersStaysNearOne(Backend backend) {
        Layer layer = LinearConfig.of(5, 5).init(backend, Seed.of("monitor"));
        HyperConnected chain =
                HyperConnections.of(4, 5, Mixing.sinkhorn(20)).around(layer).then(layer);
        Tensor x = Sample.gaussian("x", Seed.of("monitor"), 2, 7, 4, 5).on(backend);
        StabilityMonitor monitor = new StabilityMonitor(5);
        chain.forward(x, Context.inference().with(MixListener.KEY, monitor));
        StabilityReport report = monitor.report();
        assertEquals(2, report.subLayers().size());
        assertEquals(1, report.peak().forward(), 3e-6);
        assertEquals(1, report.peak().backward(), 1e-4);
        assertEquals(1, report.subLayers().getLast().own().spectralNorm(), 1e-4);
    }

    @Test
    void impossibleMatricesGetAClearError() {
        String message = Thrown.message(
                IllegalArgumentException.class, () -> BirkhoffDecomposition.of(new double[][] {{1, 0}, {-0.5, 1.5}}));
        assertTrue(message.contains("row 1 [-0.5, 1.5] must have finite entries of 0 or more"), message);
        BirkhoffDecomposition half = BirkhoffDecomposition.of(new double[][] {{0.25, 0.75}, {0.75, 0.25}});
        assertEquals(
                List.of(
                        new BirkhoffDecomposition.Term(0.75, List.of(1, 0)),
                        new BirkhoffDecomposition.Term(0.25, List.of(0, 1))),
                half.terms());
        assertTrue(Double.isNaN(SpectralNorm.of(new double[][] {{Double.NaN}})));
    }

    @Test
    void matricesThatAreNotSquareGetAClearError() {
        double[][] oblong = {{1, 0, 0}, {0, 1, 0}};
        double[][] ragged = {{1, 0}, {0}};
        double[][] one = {{1}};
        double[][] two = {{1, 0}, {0, 1}};
        refuses("gain: row 0 has 3 entries, but there are 2 rows", () -> Gain.of(oblong));
        refuses("gain: row 1 has 1 entries, but there are 2 rows", () -> Gain.of(ragged));
        refuses("mix figures: row 0 has 3 entries", () -> MixFigures.of(oblong));
        refuses("Birkhoff decomposition: row 0 has 3 entries", () -> BirkhoffDecomposition.of(oblong));
        refuses("Birkhoff decomposition: rows must be positive", () -> BirkhoffDecomposition.of(new double[0][]));
        refuses("composite gain: matrices must be positive", () -> Gain.ofComposite(List.of()));
        refuses("composite gain: matrices must be positive", () -> Gain.throughDepth(List.of()));
        refuses("matrix 1 has 1 rows, but those before have 2", () -> Gain.ofComposite(List.of(two, one)));
        refuses("matrix 1 has 2 rows, but those before have 1", () -> Gain.throughDepth(List.of(one, two)));
    }

    private static void refuses(String part, Executable call) {
        String message = Thrown.message(IllegalArgumentException.class, call);
        assertTrue(message.contains(part), message);
    }

    private static void hears(StabilityMonitor monitor, double... combs) {
        monitor.mixed(connections(), weights(TestBackends.get("scalar"), combs));
    }

    private static HyperConnections connections() {
        return HyperConnections.of(2, 3, Mixing.fixed()).init(TestBackends.get("scalar"), Seed.of("monitor"));
    }

    private static MixWeights weights(Backend backend, double... combs) {
        Tensor comb = backend.tensors().doubles(Shape.of(combs.length / 4, 2, 2), combs);
        return new MixWeights(comb, comb, comb);
    }
}
