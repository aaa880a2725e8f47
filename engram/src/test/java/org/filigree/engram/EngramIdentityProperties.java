package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.LinearConfig.Bias;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Compare;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;

/** What must not change, or must change in a known way, if parameters or inputs are moved. */
class EngramIdentityProperties {
    private static final VocabularyCompression VOCABULARY = VocabularyCompression.identity(13);

    private static final Tolerance FINE = Tolerance.float64(1000).times(1e4).withFloor(1);

    @Property(tries = 30)
    void onlyTheProductOfQueryAndKeyWeightsMatters(
            @ForAll("forms") EngramConfig config, @ForAll @IntRange(min = 0, max = 99) int seed) {
        EngramPass pass = EngramPass.of(config, 6, seed);
        EngramCase.Result result = pass.run();
        EngramCase.Result moved = pass.with(pass.each()
                        .with("q_weight", times(pass.each().get("q_weight"), 4))
                        .with("k_weight", times(pass.each().get("k_weight"), 0.25)))
                .run();
        Compare.assertClose("output", result.output(), moved.output(), FINE);
        double[] dq = result.gradient("q_weight").toDoubles();
        double[] dk = result.gradient("k_weight").toDoubles();
        Arrays.setAll(dq, i -> dq[i] * pass.each().get("q_weight")[i]);
        Arrays.setAll(dk, i -> dk[i] * pass.each().get("k_weight")[i]);
        Compare.assertClose("dq∘q = dk∘k", dq, dk, FINE);
    }

    @Property(tries = 20)
    void permutingStreamsPermutesResults(@ForAll @IntRange(min = 0, max = 99) int seed) {
        var config = EngramConfig.of(3, 2, NgramHashConfig.of(VOCABULARY, 3, 1, 7, 1, 2))
                .withStreams(3)
                .withBias(Bias.PRESENT)
                .withConvolution(Convolution.ofKernel(2, 2));
        EngramPass pass = EngramPass.of(config, 5, seed);
        int[] order = {2, 0, 1};
        int[] withValue = {2, 0, 1, 3};
        EngramCase each = pass.each();
        EngramCase permuted = each.with("wkv.weight", blocks(each.get("wkv.weight"), 1, withValue))
                .with("wkv.bias", blocks(each.get("wkv.bias"), 1, withValue))
                .with("q_weight", blocks(each.get("q_weight"), 1, order))
                .with("k_weight", blocks(each.get("k_weight"), 1, order))
                .with("conv.norm_weight", blocks(each.get("conv.norm_weight"), 1, order))
                .with("conv.weight", blocks(each.get("conv.weight"), 1, order));
        EngramPass other = new EngramPass(
                permuted, pass.shape(), blocks(pass.x(), 5, order), blocks(pass.upstream(), 5, order), pass.ids());
        EngramCase.Result result = pass.run();
        EngramCase.Result turned = other.run();
        Compare.assertClose("output", blocks(result.output().toDoubles(), 5, order), turned.output(), FINE);
        Compare.assertClose("x", blocks(result.gradient("x").toDoubles(), 5, order), turned.gradient("x"), FINE);
        Compare.assertClose(
                "wkv",
                blocks(result.gradient("wkv.weight").toDoubles(), 1, withValue),
                turned.gradient("wkv.weight"),
                FINE);
        Compare.assertClose("table", result.gradient("embed.weight"), turned.gradient("embed.weight"), FINE);
    }

    /** Reorders equal blocks inside each of {@code outer} rows. */
    private static double[] blocks(double[] values, int outer, int[] order) {
        int row = values.length / outer;
        int block = row / order.length;
        double[] moved = new double[values.length];
        Arrays.setAll(moved, i -> values[i / row * row + order[i % row / block] * block + i % block]);
        return moved;
    }

    @Property(tries = 20)
    void exchangingHeadsWithTheirColumnsChangesNothing(@ForAll @IntRange(min = 0, max = 99) int seed) {
        var config = EngramConfig.of(3, 2, NgramHashConfig.of(VOCABULARY, 2, 2, 7, 1, 2));
        EngramPass pass = EngramPass.of(config, 5, seed);
        Engram layer = pass.each().on(TestBackends.oracle());
        Tensor streams = TestBackends.oracle().tensors().doubles(pass.shape(), pass.x());
        Tensor ids = TestBackends.oracle().tensors().ints(Shape.of(1, 5), pass.ids());
        Tensor rows = layer.hash().rows(ids).of(2);
        int[] swapped = rows.toInts();
        for (int i = 0; i < swapped.length; i += 2) {
            int first = swapped[i];
            swapped[i] = swapped[i + 1];
            swapped[i + 1] = first;
        }
        Engram other = pass.each()
                .with("wkv.weight", blocks(pass.each().get("wkv.weight"), 5 * 3, new int[] {1, 0}))
                .on(TestBackends.oracle());
        Compare.assertClose(
                "output",
                layer.forward(streams, layer.read(rows), Context.inference()),
                other.forward(
                        streams,
                        other.read(TestBackends.oracle().tensors().ints(rows.shape(), swapped)),
                        Context.inference()),
                FINE);
    }

    @Property(tries = 20)
    void aScaledTableScalesTheValueAlone(
            @ForAll @IntRange(min = 0, max = 99) int seed, @ForAll @IntRange(min = -2, max = 5) int power) {
        EngramPass pass = EngramPass.of(EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 2)), 4, seed);
        double factor = Math.scalb(1.0, power);
        double[] expected = times(pass.run().output().toDoubles(), factor);
        EngramCase scaled = pass.each().with("embed.weight", times(pass.each().get("embed.weight"), factor));
        Compare.assertClose("output", expected, pass.with(scaled).run().output(), FINE.withFloor(factor));
    }

    @Property(tries = 30)
    void gradientsOfStatesAreOrthogonalButForEps(@ForAll @IntRange(min = 0, max = 99) int seed) {
        double eps = 0.01;
        EngramPass pass = EngramPass.of(
                EngramConfig.of(5, 3, NgramHashConfig.of(VOCABULARY, 3, 2, 7, 1, 2))
                        .withEps(eps),
                4,
                seed);
        EngramConfig config = pass.each().config();
        var naive = new NaiveEngram(config);
        NaiveEngram.Weights w = pass.each().weights();
        int[] rows = config.hash()
                .init()
                .rows(TestBackends.oracle().tensors().ints(Shape.of(1, 4), pass.ids()))
                .of(2)
                .toInts();
        NaiveEngram.Saved saved = naive.forward(w, 1, 4, pass.x(), rows, NaiveEngramTest.live(4));
        double[] dx = pass.run().gradient("x").toDoubles();
        int d = config.width();
        for (int s = 0; s < saved.raw().length; s++) {
            double scale = saved.inverseX()[s] * saved.inverseK()[s] / Math.sqrt(d);
            double upstream = 0;
            double along = 0;
            for (int i = 0; i < d; i++) {
                int value = (s / config.streams() * (config.streams() + 1) + config.streams()) * d + i;
                upstream += pass.upstream()[s * d + i] * saved.kv()[value];
                along += pass.x()[s * d + i] * dx[s * d + i];
            }
            double g = saved.gate()[s];
            double dRaw = upstream * g * (1 - g) / 2 * Math.sqrt(scale / Math.abs(saved.raw()[s]));
            double expected = dRaw * saved.raw()[s] * eps * saved.inverseX()[s] * saved.inverseX()[s];
            assertEquals(expected, along, 1e-9 * (1 + Math.abs(expected)));
        }
    }

    private static double[] times(double[] values, double factor) {
        return Arrays.stream(values).map(v -> v * factor).toArray();
    }

    @Provide
    Arbitrary<EngramConfig> forms() {
        return Arbitraries.of(EngramCase.forms());
    }
}
