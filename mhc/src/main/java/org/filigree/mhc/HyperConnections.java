package org.filigree.mhc;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;

import java.util.Optional;
import java.util.function.UnaryOperator;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * The connections of one sub-layer F: X′_k = post_k·F(Σ_j pre_j·X_j) + Σ_j comb[j,k]·X_j over n streams X_j of one token, weights by the
 * {@link Mixing}. F contains its own norm.
 */
public final class HyperConnections {
    private final HyperConnectionsConfig config;
    private final Mixer mixer;

    HyperConnections(HyperConnectionsConfig config, Mixer mixer) {
        this.config = config;
        this.mixer = mixer;
    }

    /**
     * A configuration, to be put {@linkplain HyperConnectionsConfig#around around} layers.
     *
     * @param streams n, 1 to 8
     * @param width width of each stream
     * @param mixing how streams are read, written and mixed
     * @return the configuration
     */
    public static HyperConnectionsConfig of(int streams, int width, Mixing mixing) {
        return HyperConnectionsConfig.of(streams, width, mixing);
    }

    /**
     * Applies a sub-layer to the streams. There is no context to ask for a {@link MixListener}, so none hears of it; where one may listen,
     * use {@link #apply(Tensor, UnaryOperator, Context)}.
     *
     * @param streams X [outer…, streams, width], at least one outer axis
     * @param subLayer F, from [outer…, width] to the same shape
     * @return X′ [outer…, streams, width]
     * @throws ShapeException if X has other streams or another width, or F changes the shape
     * @throws NaNLogitsException if a mix is NaN, on backends whose tensors are Java arrays
     * @throws UnsupportedOperationException in the lagged form, which {@link #step} is for
     */
    public Tensor apply(Tensor streams, UnaryOperator<Tensor> subLayer) {
        check(streams);
        refuseLagged("apply", "step(carried, subLayer, context)");
        UnaryOperator<Tensor> layer = checked(subLayer);
        if (config.mixing() instanceof Mixing.Residual) {
            Tensor x = reshape(streams, streams.shape().leading(-2, config.width()));
            return insertAxis(add(x, layer.apply(x)), -2);
        }
        return fused().map(fused -> fused.apply(streams, layer)).orElseGet(() -> composed(streams, layer));
    }

    Optional<FusedSubLayer> fused() {
        return mixer.fused(config);
    }

    /** One step in two halves, fused where it can be, for whoever computes it again. */
    CutStep cut(Tensor streams) {
        return fused().map(fused -> fused.cut(streams)).orElseGet(() -> ComposedCut.of(this, streams));
    }

    private static UnaryOperator<Tensor> checked(UnaryOperator<Tensor> subLayer) {
        return u -> output(u, subLayer.apply(u));
    }

    /** F's output y for u, refused where its shape is another: broadcast to the streams, it would not be noticed. */
    static Tensor output(Tensor u, Tensor y) {
        if (!y.shape().equals(u.shape())) {
            throw new ShapeException("hyper-connections: the sub-layer gave " + y.shape() + " for " + u.shape()
                    + "; what it writes to the streams must be as wide as what it reads");
        }
        return y;
    }

    private Tensor composed(Tensor streams, UnaryOperator<Tensor> subLayer) {
        Reading reading = read(streams);
        return reading.weights.combine(streams, subLayer.apply(reading.u));
    }

    /**
     * Applies a sub-layer to the streams, telling the {@link MixListener} in the context of the weights.
     *
     * @param streams X [outer…, streams, width], at least one outer axis
     * @param subLayer F, from [outer…, width] to the same shape
     * @param context of the pass
     * @return X′ [outer…, streams, width]
     * @throws ShapeException if X has other streams or another width, or F changes the shape
     * @throws NaNLogitsException if a mix is NaN, on backends whose tensors are Java arrays
     * @throws UnsupportedOperationException in the lagged form, which {@link #step} is for
     */
    public Tensor apply(Tensor streams, UnaryOperator<Tensor> subLayer, Context context) {
        MixListener.tell(context, this, streams);
        return apply(streams, subLayer);
    }

    /**
     * Applies a sub-layer to carried streams. In the {@linkplain Mixing.Lagged lagged form} it reads by the carried weights, and
     * this step's weights of reading are carried on: u = Σ_j pre_{s−1,j}·X_j. Every other form reads by its own weights, as in
     * {@link #apply}, and leaves the carried ones as they are, so that one block serves all forms; the way out is another
     * ({@link Carried#finish} is that of the lagged form alone).
     *
     * @param carried X [outer…, streams, width] and weights of reading
     * @param subLayer F, from [outer…, width] to the same shape
     * @param context of the pass
     * @return X′ and the weights by which the next sub-layer reads
     * @throws ShapeException if X has other streams or another width, or F changes the shape
     * @throws NaNLogitsException if a mix is NaN, on backends whose tensors are Java arrays
     */
    public Carried step(Carried carried, UnaryOperator<Tensor> subLayer, Context context) {
        if (!(config.mixing() instanceof Mixing.Lagged)) {
            return carried.withStreams(apply(carried.streams(), subLayer, context));
        }
        check(carried.streams());
        MixListener.tell(context, this, carried.streams());
        Optional<FusedSubLayer> fused = fused();
        if (fused.isPresent()) {
            return fused.get().step(carried, checked(subLayer));
        }
        MixWeights weights = mixer.weights(carried.streams());
        return new Carried(weights.combine(carried.streams(), checked(subLayer).apply(carried.read())), weights.pre());
    }

    /** The lagged form has to be carried along; other operations would lose the weights. */
    void refuseLagged(String operation, String instead) {
        if (config.mixing() instanceof Mixing.Lagged) {
            throw new UnsupportedOperationException("hyper-connections: " + operation + " on " + config.mixing()
                    + ", which reads by the weights of the sub-layer before; use " + instead
                    + ", from Carried.start(x, " + config.streams() + ") to finish()");
        }
    }

    /** What comes before F: the weights, and what F reads. */
    record Reading(MixWeights weights, Tensor u) {}

    /** The first half of a step. */
    Reading read(Tensor streams) {
        MixWeights weights = mixer.weights(streams);
        return new Reading(weights, weights.collapse(streams));
    }

    /**
     * The weights alone, for callers that take the step apart: forms that read by the weights of an earlier step, recomputation,
     * instruments.
     *
     * @param streams X [outer…, streams, width], at least one outer axis
     * @return weights of reading, writing and mixing
     * @throws ShapeException if X has other streams or another width
     * @throws NaNLogitsException if a mix is NaN, on backends whose tensors are Java arrays
     */
    public MixWeights weights(Tensor streams) {
        check(streams);
        return mixer.weights(streams);
    }

    void check(Tensor streams) {
        int rank = streams.shape().rank();
        if (rank < 3 || streams.dim(-2) != config.streams() || streams.dim(-1) != config.width()) {
            throw new ShapeException(
                    "hyper-connections: streams " + streams.shape() + " must be [outer…, " + config.streams()
                            + " streams, " + config.width() + " width]; expand activations with Streams.expand");
        }
    }

    /** {@return sizes and form} */
    public HyperConnectionsConfig config() {
        return config;
    }

    /** {@return the parameters as {@code fn}, {@code base}, {@code scale}, as far as the form has them} */
    public ParameterMap parameters() {
        return mixer.parameters();
    }

    /**
     * The parameters under released names, which join prefix and name without a dot: {@code hc_attn_fn}.
     *
     * @param prefix for example {@code hc_attn_}
     * @return the parameters, each path behind the prefix
     */
    public ParameterMap parameters(String prefix) {
        return prefixed(prefix, mixer.parameters());
    }

    static ParameterMap prefixed(String prefix, ParameterMap parameters) {
        ParameterMap map = ParameterMap.empty();
        for (var entry : parameters.asMap().entrySet()) {
            map = map.with(prefix + entry.getKey(), entry.getValue());
        }
        return map;
    }

    @Override
    public String toString() {
        return "HyperConnections{streams: " + config.streams() + ", width: " + config.width() + ", mixing: "
                + config.mixing() + ", parameters: " + parameters().elements() + "}";
    }
}
