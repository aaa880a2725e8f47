package org.filigree.engram;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.LinearConfig.Bias;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;

/** A layer's configuration and the values of its parameters, apart from any backend. */
record EngramCase(EngramConfig config, Map<String, double[]> values) {
    /** Random parameters of about the published scales, none of them at a special point. */
    static EngramCase random(EngramConfig config, RandomStream random) {
        Map<String, double[]> values = new LinkedHashMap<>();
        Engram shapes = config.init(TestBackends.get("scalar"), random);
        shapes.parameters().forEach((path, parameter) -> {
            RandomStream own = random.fork(path);
            boolean norm = path.contains("q_") || path.contains("k_") || path.contains("norm");
            double scale = path.equals("wkv.weight") ? 1 / Math.sqrt(config.memoryWidth()) : norm ? 0.2 : 1;
            double[] drawn = new double[(int) parameter.shape().size()];
            Arrays.setAll(drawn, i -> (float) ((norm ? 1 : 0) + scale * own.nextGaussian()));
            values.put(path, drawn);
        });
        return new EngramCase(config, values);
    }

    EngramCase with(String path, double... replacement) {
        Map<String, double[]> copy = new LinkedHashMap<>(values);
        copy.put(path, replacement);
        return new EngramCase(config, copy);
    }

    double[] get(String path) {
        return values.getOrDefault(path, new double[0]);
    }

    Engram on(Backend backend) {
        Engram engram = config.init(backend, RandomStream.of(0));
        engram.parameters()
                .forEach(
                        (path, parameter) -> parameter.assign(backend.tensors().doubles(parameter.shape(), get(path))));
        return engram;
    }

    NaiveEngram.Weights weights() {
        return new NaiveEngram.Weights(
                get("embed.weight"),
                get("wkv.weight"),
                get("wkv.bias"),
                get("q_weight"),
                get("k_weight"),
                get("conv.norm_weight"),
                get("conv.weight"));
    }

    static Map<String, double[]> byPath(NaiveEngram.Weights weights) {
        return Map.of(
                "embed.weight", weights.table(),
                "wkv.weight", weights.projection(),
                "wkv.bias", weights.bias(),
                "q_weight", weights.query(),
                "k_weight", weights.key(),
                "conv.norm_weight", weights.norm(),
                "conv.weight", weights.taps());
    }

    /** Output and gradients on a backend; the gradient of the streams stands under {@code x}. */
    record Result(Tensor output, Map<String, Tensor> gradients) {
        Tensor gradient(String path) {
            return Objects.requireNonNull(gradients.get(path), path);
        }
    }

    Result run(Backend backend, Shape shape, double[] x, double[] upstream, Context context) {
        Engram engram = on(backend);
        Tensor streams = Autograd.leaf(backend.tensors().doubles(shape, x));
        Tensor output = engram.forward(streams, context);
        Gradients gradients = Autograd.backward(output, backend.tensors().doubles(shape, upstream));
        Map<String, Tensor> byPath = new LinkedHashMap<>();
        byPath.put("x", gradients.of(streams));
        engram.parameters().forEach((path, parameter) -> byPath.put(path, gradients.of(parameter.value())));
        return new Result(Autograd.detach(output), byPath);
    }

    static Context context(Backend backend, int batch, int tokens, int... ids) {
        return Context.training(backend.tensors().ints(Shape.of(batch, tokens), ids));
    }

    static double[] gaussian(RandomStream random, Shape shape) {
        double[] values = new double[(int) shape.size()];
        Arrays.setAll(values, i -> (float) random.nextGaussian());
        return values;
    }

    static int[] ids(RandomStream random, int low, int high, int count) {
        int[] ids = new int[count];
        Arrays.setAll(ids, i -> low + random.nextInt(high - low));
        return ids;
    }

    /** Identity in the place of the projections: what is read is the keys of all streams and the value. */
    static EngramCase transparent(int streams, int width, GateZero zero, double eps) {
        int all = (streams + 1) * width;
        var hash = new NgramHashConfig(
                VocabularyCompression.identity(13), List.of(1), 1, List.of(2), List.of(0), 0, 0, Barriers.none());
        var config = new EngramConfig(width, streams, all, hash, zero, Bias.ABSENT, Convolution.none(), eps);
        double[] identity = new double[all * all];
        for (int i = 0; i < all; i++) {
            identity[i * all + i] = 1;
        }
        double[] ones = new double[streams * width];
        Arrays.fill(ones, 1);
        return EngramCase.random(config, RandomStream.of(1))
                .with("wkv.weight", identity)
                .with("q_weight", ones)
                .with("k_weight", ones);
    }

    /** Small layers of every form. */
    static List<EngramConfig> forms() {
        var vocabulary = VocabularyCompression.identity(13);
        var base = EngramConfig.of(5, 3, NgramHashConfig.of(vocabulary, 3, 2, 11, 1, 2))
                .withStreams(2);
        var wide = new NgramHashConfig(
                vocabulary,
                List.of(1, 4),
                3,
                List.of(2, 9),
                List.of(0),
                7,
                0,
                Barriers.none().withDead(12).withStarts(3));
        return List.of(
                base,
                base.withBias(Bias.PRESENT).withGateZero(GateZero.SIGN).withConvolution(Convolution.ofKernel(4, 3)),
                base.withHash(wide)
                        .withStreams(1)
                        .withConvolution(Convolution.ofKernel(1, 2))
                        .withEps(1e-6),
                EngramConfig.of(1, 1, wide)
                        .withStreams(3)
                        .withBias(Bias.PRESENT)
                        .withConvolution(Convolution.ofKernel(2, 1)),
                EngramConfig.of(17, 7, wide).withConvolution(Convolution.ofKernel(3, 2)));
    }
}
