package org.filigree.engram;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.copySign;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.CausalConvolution.causalConvolution;
import static org.filigree.core.op.Clamp.clamp;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.Pointwise.abs;
import static org.filigree.core.op.Pointwise.sigmoid;
import static org.filigree.core.op.Pointwise.sign;
import static org.filigree.core.op.Pointwise.silu;
import static org.filigree.core.op.Pointwise.sqrt;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.RmsNorm.rmsNorm;
import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.op.Slice.split;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Initializer;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One Engram layer. With e the table rows of a token, joined, and x_h its state in stream h:
 *
 * <pre>
 * k_h = W_h e + b_h        v = W_v e + b_v
 * s_h = norm(x_h)∘w^q_h · norm(k_h)∘w^k_h / √width
 * ṽ_h = σ(sgn(s_h)·√max(|s_h|, 10⁻⁶)) · v
 * y_h = ṽ_h + silu(convolution(norm(ṽ)∘w^c)_h)        or ṽ_h where there is no convolution
 * </pre>
 *
 * The layer gives y, to be added to the streams before the block's attention.
 *
 * <p>Parameters, in the names of DeepSeek-V4.1 where it has them: {@code embed.weight} [rows, head width]; {@code wkv.weight}
 * [(streams+1)·width, memory width], keys of all streams and then the value, and {@code wkv.bias}; {@code q_weight} and
 * {@code k_weight} [streams, width]; {@code conv.norm_weight} [streams, width] and {@code conv.weight} [streams·width, kernel].
 *
 * <p>The paper trains the table with Adam at five times the learning rate and without weight decay; select it by {@link #TABLE}.
 */
public final class Engram implements Layer {
    /** Path of the table inside the layer. */
    public static final String TABLE = "embed.weight";

    /** Scores nearer to zero count as this, and get no gradient. */
    private static final double LEAST_SCORE = 1e-6;

    private final EngramConfig config;
    private final NgramHash hash;
    private final int layer;
    private final Parameter table;
    private final Linear projection;
    private final Parameter queryWeight;
    private final Parameter keyWeight;
    private final @Nullable ConvolutionWeights convolution;

    /** Norm weight [streams, width] and taps [streams·width, kernel]. */
    private record ConvolutionWeights(Parameter norm, Parameter taps) {}

    private Engram(
            EngramConfig config,
            NgramHash hash,
            int layer,
            Parameter table,
            Linear projection,
            Parameter queryWeight,
            Parameter keyWeight,
            @Nullable ConvolutionWeights convolution) {
        this.config = config;
        this.hash = hash;
        this.layer = layer;
        this.table = table;
        this.projection = projection;
        this.queryWeight = queryWeight;
        this.keyWeight = keyWeight;
        this.convolution = convolution;
    }

    static Engram init(EngramConfig config, NgramHash hash, int layer, Backend backend, RandomStream random) {
        int rows = hash.layer(layer).rows();
        if ((long) rows * config.headWidth() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("engram: a table of " + rows + " rows of " + config.headWidth() + " has "
                    + (long) rows * config.headWidth()
                    + " elements but a trainable one holds 2^31 - 1; make rowsPerHead or headWidth smaller");
        }
        Shape perStream = Shape.of(config.streams(), config.width());
        Initializer tableStart = Initializer.normal(0.02);
        return new Engram(
                config,
                hash,
                layer,
                Parameter.learned(tableStart.draw(backend, Shape.of(rows, config.headWidth()), random.fork(TABLE))),
                new LinearConfig(
                                config.memoryWidth(),
                                (config.streams() + 1) * config.width(),
                                config.bias(),
                                Initializer.fanIn())
                        .init(backend, random.fork("wkv")),
                Parameter.learned(backend.tensors().full(perStream, 1)),
                Parameter.learned(backend.tensors().full(perStream, 1)),
                switch (config.convolution()) {
                    case Convolution.None() -> null;
                    case Convolution.Depthwise(int kernel, int _, double _) ->
                        new ConvolutionWeights(
                                Parameter.learned(backend.tensors().full(perStream, 1)),
                                Parameter.learned(backend.tensors().zeros(Shape.of((int) perStream.size(), kernel))));
                });
    }

    /** {@return its configuration} */
    public EngramConfig config() {
        return config;
    }

    /** {@return its block number} */
    public int layer() {
        return layer;
    }

    /** {@return how token ids become rows, in all layers of the model} */
    public NgramHash hash() {
        return hash;
    }

    /**
     * What the layer adds to the streams. Rows come from {@link NgramRows#KEY}, if the context has them, else from its token ids.
     *
     * @param streams [batch, tokens, streams, width]
     * @param context with rows or token ids; with an {@link EngramCache} while decoding
     * @return same shape
     * @throws IllegalStateException if the context lacks what is needed
     */
    @Override
    public Tensor forward(Tensor streams, Context context) {
        Context prepared = context.find(NgramRows.KEY).isPresent() ? context : hash.prepare(context);
        NgramRows rows = prepared.require(NgramRows.KEY, "engram");
        return forward(streams, read(rows.of(layer)), prepared);
    }

    /**
     * The streams with this layer's contribution.
     *
     * @param streams [batch, tokens, streams, width]
     * @param context as for {@link #forward(Tensor, Context)}
     * @return same shape
     */
    public Tensor addTo(Tensor streams, Context context) {
        return add(streams, forward(streams, context));
    }

    /**
     * The streams with this layer's contribution.
     *
     * @param streams [batch, tokens, streams, width]
     * @param tokenIds INT32 [batch, tokens], whole sequences
     * @return same shape as streams
     */
    public Tensor addTo(Tensor streams, Tensor tokenIds) {
        return addTo(streams, Context.inference(tokenIds));
    }

    /**
     * Looks rows up and joins them.
     *
     * @param rows INT32 [batch, tokens, columns]
     * @return [batch, tokens, memory width]
     */
    public Tensor read(Tensor rows) {
        Check.lastDim("engram", "rows", rows, config.hash().columns());
        return reshape(gather(table.value(), rows), rows.shape().leading(-1, config.memoryWidth()));
    }

    /**
     * What the layer adds to the streams, given what was read: for tables that are kept elsewhere.
     *
     * @param streams [batch, tokens, streams, width]
     * @param memory [batch, tokens, memory width]
     * @param context may have {@linkplain NgramRows rows}, of which only the mask of dead tokens is used, and an {@link EngramCache}
     * @return same shape as streams
     */
    public Tensor forward(Tensor streams, Tensor memory, Context context) {
        Check.rank("engram", "streams", streams, 4);
        int batch = streams.dim(0);
        int tokens = streams.dim(1);
        int n = config.streams();
        int d = config.width();
        Check.shape("engram", "streams", streams, batch, tokens, n, d);
        Check.shape("engram", "memory", memory, batch, tokens, config.memoryWidth());

        List<Tensor> parts = split(projection.forward(memory), -1, n * d, d);
        Tensor key = reshape(parts.getFirst(), batch, tokens, n, d);
        Tensor value = reshape(parts.getLast(), batch, tokens, 1, d);
        Tensor gate = gate(streams, key);
        Tensor live = context.find(NgramRows.KEY).flatMap(NgramRows::live).orElse(null);
        Tensor gated = multiply(insertAxis(live == null ? gate : multiply(gate, insertAxis(live, -1)), -1), value);
        if (convolution == null) {
            return gated;
        }
        Tensor mixed = add(gated, convolve(gated, convolution, context));
        return live == null ? mixed : multiply(mixed, reshape(live, batch, tokens, 1, 1));
    }

    /**
     * How far each stream opens to what was read.
     *
     * @param streams [batch, tokens, streams, width]
     * @param key same shape
     * @return [batch, tokens, streams], in (0, 1)
     */
    Tensor gate(Tensor streams, Tensor key) {
        Tensor query = multiply(rmsNorm(streams, config.eps()), queryWeight.value());
        Tensor score = scale(
                sum(multiply(query, multiply(rmsNorm(key, config.eps()), keyWeight.value())), -1),
                1 / Math.sqrt(config.width()));
        Tensor root = sqrt(clamp(abs(score), LEAST_SCORE, Double.POSITIVE_INFINITY));
        return sigmoid(
                switch (config.gateZero()) {
                    case SIGN -> multiply(root, sign(score));
                    case COPY_SIGN -> copySign(root, score);
                });
    }

    private Tensor convolve(Tensor gated, ConvolutionWeights weights, Context context) {
        var form = (Convolution.Depthwise) config.convolution();
        int batch = gated.dim(0);
        int tokens = gated.dim(1);
        Tensor normal = reshape(
                multiply(rmsNorm(gated, form.eps()), weights.norm().value()),
                batch,
                tokens,
                config.streams() * config.width());
        EngramCache cache = context.find(EngramCache.KEY).orElse(null);
        Tensor past = cache == null ? null : cache.recent(layer).orElse(null);
        Tensor known = past == null ? normal : concat(1, past, normal);
        if (cache != null) {
            cache.remember(
                    layer, Autograd.detach(slice(known, 1, Math.max(0, known.dim(1) - form.reach()), known.dim(1))));
        }
        Tensor z = causalConvolution(known, weights.taps().value(), form.dilation());
        return reshape(silu(slice(z, 1, known.dim(1) - tokens, known.dim(1))), gated.shape());
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map = ParameterMap.empty()
                .with(TABLE, table)
                .with("wkv", projection.parameters())
                .with("q_weight", queryWeight)
                .with("k_weight", keyWeight);
        return convolution == null
                ? map
                : map.with("conv.norm_weight", convolution.norm()).with("conv.weight", convolution.taps());
    }

    @Override
    public String toString() {
        return "Engram{" + hash.layer(layer) + ", width " + config.width() + ", streams " + config.streams()
                + ", parameters " + parameters().elements() + "}";
    }
}
