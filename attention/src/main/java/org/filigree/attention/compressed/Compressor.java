package org.filigree.attention.compressed;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.Permute.permute;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.op.Softmax.softmax;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Initializer;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Pools runs of tokens into entries (DeepSeek-V4): entry = RMS(Σ_i softmax_i(Wgate·x_i + bias_i)∘(Wkv·x_i)), the softmax over the
 * tokens of a run, for each channel by itself. Entries come out without position.
 *
 * <p>Works in two steps, so that a run may arrive in pieces: {@link #rows} belong to single tokens and are what a cache keeps of an
 * incomplete run; {@link #pool} makes entries of them.
 *
 * <p>Parameters {@code wkv.weight}, {@code wgate.weight} [streams · width, input], {@code ape} [ratio, streams · width],
 * {@code norm.weight} [width].
 */
public final class Compressor {
    private final Compression compression;
    private final int width;
    private final Linear values;
    private final @Nullable Linear gate;
    private final @Nullable Parameter bias;
    private final RmsNorm norm;

    private Compressor(
            Compression compression,
            int width,
            Linear values,
            @Nullable Linear gate,
            @Nullable Parameter bias,
            RmsNorm norm) {
        this.compression = compression;
        this.width = width;
        this.values = values;
        this.gate = gate;
        this.bias = bias;
        this.norm = norm;
    }

    /**
     * A new compressor.
     *
     * @param compression how runs overlap, not {@link Compression.None}
     * @param input width of the activations
     * @param width channels of an entry
     * @param normEps added to the mean square of an entry
     * @param backend where its parameters live
     * @param random draws them
     * @return the compressor
     */
    public static Compressor init(
            Compression compression, int input, int width, double normEps, Backend backend, RandomStream random) {
        if (compression instanceof Compression.None) {
            throw new IllegalArgumentException("compressor: there is nothing to compress without a ratio");
        }
        int channels = compression.streams() * width;
        LinearConfig projection = LinearConfig.of(input, channels);
        return new Compressor(
                compression,
                width,
                projection.init(backend, random.fork("wkv")),
                compression.gated() ? projection.init(backend, random.fork("wgate")) : null,
                compression.biased()
                        ? Parameter.learned(Initializer.zeros()
                                .draw(backend, Shape.of(compression.ratio(), channels), random.fork("ape")))
                        : null,
                RmsNorm.init(backend, width, normEps));
    }

    /**
     * How many numbers the parameters of a compressor hold.
     *
     * @param compression how runs overlap
     * @param input width of the activations
     * @param width channels of an entry
     * @return number of elements
     */
    public static long parameterCount(Compression compression, int input, int width) {
        long channels = (long) compression.streams() * width;
        return channels * input * (compression.gated() ? 2 : 1)
                + (compression.biased() ? compression.ratio() * channels : 0)
                + width;
    }

    /** {@return how runs overlap} */
    public Compression compression() {
        return compression;
    }

    /** {@return channels of an entry} */
    public int width() {
        return width;
    }

    /**
     * Channels of what a token leaves until its runs are complete.
     *
     * @param compression how runs overlap
     * @param width channels of an entry
     * @return values, and weights' logits where there are any
     */
    public static int rowWidth(Compression compression, int width) {
        return compression.streams() * width * (compression.gated() ? 2 : 1);
    }

    /**
     * What each token contributes: values, then the logits of their weights with the bias of its place.
     *
     * @param x [batch, tokens, input]
     * @param start position of the first token
     * @return [batch, tokens, row width]
     */
    public Tensor rows(Tensor x, int start) {
        Tensor projected = values.forward(x);
        if (gate == null) {
            return projected;
        }
        Tensor logits = gate.forward(x);
        return concat(-1, projected, bias == null ? logits : add(logits, gather(bias.value(), places(x, start))));
    }

    private Tensor places(Tensor x, int start) {
        int[] places = new int[x.dim(1)];
        for (int t = 0; t < places.length; t++) {
            places[t] = (start + t) % compression.ratio();
        }
        return Backend.of(x).tensors().ints(Shape.of(places.length), places);
    }

    /**
     * The entries of all complete runs; what is left of an incomplete one is ignored.
     *
     * @param rows [batch, tokens, row width], from {@link #firstRow} of the first entry on
     * @param firstEntry number of the first entry
     * @return [batch, entries, width], normalised, not rotated
     */
    public Tensor pool(Tensor rows, int firstEntry) {
        int ratio = compression.ratio();
        int before = firstEntry * ratio - firstRow(firstEntry);
        int entries = Math.max(0, rows.dim(1) - before) / ratio;
        if (entries == 0) {
            return Backend.of(rows).tensors().zeros(Shape.of(rows.dim(0), 0, width));
        }
        Tensor complete = slice(rows, 1, 0, before + entries * ratio);
        if (gate == null) {
            return norm.forward(complete);
        }
        Tensor runs = reshape(complete, rows.dim(0), before / ratio + entries, ratio, rows.dim(2));
        if (compression.lookback() == 0) {
            return norm.forward(weightedMean(slice(runs, -1, 0, width), slice(runs, -1, width, 2 * width)));
        }
        Tensor all = before == 0 ? concat(1, nothing(runs), runs) : runs;
        Tensor previous = slice(all, 1, 0, entries);
        Tensor own = slice(all, 1, 1, entries + 1);
        return norm.forward(weightedMean(
                concat(2, slice(previous, -1, 0, width), slice(own, -1, width, 2 * width)),
                concat(2, slice(previous, -1, 2 * width, 3 * width), slice(own, -1, 3 * width, 4 * width))));
    }

    /**
     * Where the rows must begin that {@link #pool} is given.
     *
     * @param entry number of the first entry
     * @return position of a token: the first of its run, or of the run before where runs overlap
     */
    public int firstRow(int entry) {
        return Math.max(0, entry * compression.ratio() - compression.lookback());
    }

    /** Stands before the first run: values 0 of weight e^−∞. */
    private static Tensor nothing(Tensor runs) {
        Shape half = Shape.of(runs.dim(0), 1, runs.dim(2), runs.dim(3) / 2);
        Backend backend = Backend.of(runs);
        return concat(-1, backend.tensors().zeros(half), backend.tensors().full(half, Double.NEGATIVE_INFINITY));
    }

    /** Both [batch, entries, tokens, width]. */
    private static Tensor weightedMean(Tensor values, Tensor logits) {
        Tensor weights = softmax(permute(logits, 0, 1, 3, 2));
        return sum(multiply(permute(values, 0, 1, 3, 2), weights), -1);
    }

    /** {@return its parameters} */
    public ParameterMap parameters() {
        ParameterMap map = ParameterMap.empty();
        map = bias == null ? map : map.with("ape", bias);
        map = map.with("wkv", values.parameters());
        map = gate == null ? map : map.with("wgate", gate.parameters());
        return map.with("norm", norm.parameters());
    }
}
