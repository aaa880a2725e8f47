package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.nn.Rotary;
import org.filigree.core.op.Concat;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.GradientCheck;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;

class LightningIndexerProperties {
    private static final Frequencies FREQUENCIES = new Frequencies.Plain(100);

    private static double[] times(double[] weight, double[] x) {
        double[] y = new double[weight.length / x.length];
        for (int o = 0; o < y.length; o++) {
            for (int i = 0; i < x.length; i++) {
                y[o] += weight[o * x.length + i] * x[i];
            }
        }
        return y;
    }

    @Property
    void scoresAgreeWithPlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 5) int heads,
            @ForAll @IntRange(min = 1, max = 4) int logDim,
            @ForAll @IntRange(min = 1, max = 8) int half,
            @ForAll @IntRange(min = 1, max = 5) int tokens,
            @ForAll @IntRange(min = 0, max = 40) int start,
            @ForAll long seed) {
        int dim = 1 << logDim;
        int rotary = Math.min(2 * half, dim);
        int width = 7;
        int latent = 5;
        RandomStream random = RandomStream.of(seed);
        LightningIndexer indexer = IndexerConfig.of(heads, dim)
                .init(new ScorerConfig.Widths(width, latent, rotary), backend, random.fork("init"));
        var parameters = indexer.parameters();
        parameters
                .get("k_norm.weight")
                .assign(Sample.gaussian("norm", random, dim).on(backend));
        parameters
                .get("k_norm.bias")
                .assign(Sample.gaussian("bias", random, dim).on(backend));
        Sample x = Sample.gaussian("x", random, 1, tokens, width);
        Sample queryLatent = Sample.gaussian("latent", random, 1, tokens, latent);
        var input = new ScorerInput(
                x.on(backend), queryLatent.on(backend), new Rotary(rotary, FREQUENCIES).table(backend, start, tokens));
        Tensor scores = indexer.score(input, indexer.keys(input));

        double[][] keys = new double[tokens][];
        double[] expected = new double[tokens * tokens];
        float[] frequencies = FREQUENCIES.of(rotary);
        for (int t = 0; t < tokens; t++) {
            double[] xt = Arrays.copyOfRange(x.values(), t * width, (t + 1) * width);
            double[] k = times(parameters.get("wk.weight").value().toDoubles(), xt);
            double[] normed = NaiveLightningIndexer.layerNorm(
                    k,
                    parameters.get("k_norm.weight").value().toDoubles(),
                    parameters.get("k_norm.bias").value().toDoubles(),
                    1e-6);
            keys[t] = NaiveLightningIndexer.turned(normed, start + t, frequencies);
        }
        // A transform that both sides left out would show in no score.
        assertClose(
                "keys on " + backend.name(),
                Arrays.stream(keys).flatMapToDouble(Arrays::stream).toArray(),
                indexer.keys(input),
                Tolerance.float32(dim).times(dim == 2 ? 400 : 16).withFloor(1));
        for (int t = 0; t < tokens; t++) {
            double[] xt = Arrays.copyOfRange(x.values(), t * width, (t + 1) * width);
            double[] qt = times(
                    parameters.get("wq_b.weight").value().toDoubles(),
                    Arrays.copyOfRange(queryLatent.values(), t * latent, (t + 1) * latent));
            double[][] q = new double[heads][];
            for (int h = 0; h < heads; h++) {
                q[h] = NaiveLightningIndexer.turned(
                        Arrays.copyOfRange(qt, h * dim, (h + 1) * dim), start + t, frequencies);
            }
            double[] w = times(parameters.get("weights_proj.weight").value().toDoubles(), xt);
            for (int j = 0; j < tokens; j++) {
                expected[t * tokens + j] = NaiveLightningIndexer.score(q, keys[j], w);
            }
        }
        // Cosines are rounded to float32 on every backend, and a layer norm over two channels magnifies.
        assertClose(
                "scores on " + backend.name(),
                expected,
                scores,
                Tolerance.float32(dim).times(dim == 2 ? 400 : 16).withFloor(1));
    }

    @Property(tries = 10)
    void gradientsAgreeWithCentralDifferences(@ForAll(supplier = AnyBackend.class) Backend backend) {
        RandomStream random = RandomStream.of(5);
        var widths = new ScorerConfig.Widths(6, 4, 2);
        List<Sample> inputs = List.of(
                Sample.gaussian("x", random, 1, 3, 6),
                Sample.gaussian("latent", random, 1, 3, 4),
                Sample.gaussian("earlier keys", random, 1, 2, 4));
        GradientCheck.check(backend, inputs, Tolerance.of(backend, 64).times(4), t -> {
            Backend own = Backend.of(t.getFirst());
            LightningIndexer indexer = IndexerConfig.of(2, 4).init(widths, own, RandomStream.of(6));
            var input = new ScorerInput(t.get(0), t.get(1), new Rotary(2, FREQUENCIES).table(own, 2, 3));
            return List.of(indexer.score(input, Concat.concat(1, t.get(2), indexer.keys(input))));
        });
    }
}
