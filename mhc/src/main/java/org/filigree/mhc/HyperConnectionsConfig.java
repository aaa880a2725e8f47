package org.filigree.mhc;

import java.util.Objects;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;

/**
 * Sizes and form of hyper-connections; one configuration serves all sub-layers of a model, each with parameters of its own.
 *
 * @param streams n, 1 to 8
 * @param width width of each stream
 * @param mixing how streams are read, written and mixed
 * @param normEps added to the mean square where streams are normalised
 * @param start how the parameters of mHC and its relatives start
 */
public record HyperConnectionsConfig(int streams, int width, Mixing mixing, double normEps, HyperStart start) {
    /** Checks the sizes. */
    public HyperConnectionsConfig {
        Check.between("hyper-connections: streams", streams, 1, 8);
        Objects.requireNonNull(
                mixing, "hyper-connections: mixing must not be null; Mixing.sinkhorn(20) is the released one");
        Check.positive("hyper-connections: width", width);
        Check.notNegative("hyper-connections: normEps", normEps);
        if (mixing instanceof Mixing.Residual && streams != 1) {
            throw new IllegalArgumentException("hyper-connections: the plain residual has 1 stream, not " + streams
                    + "; choose Mixing.sinkhorn(20) for more");
        }
        if (mixing instanceof Mixing.Permutations && streams > Mixing.Permutations.MOST) {
            throw new IllegalArgumentException("hyper-connections: mixing by permutations is for up to "
                    + Mixing.Permutations.MOST + " streams, not " + streams + ", since every permutation has "
                    + streams + "·width parameters; choose Mixing.sinkhorn(20)");
        }
        if (mixing instanceof Mixing.Kronecker && Integer.bitCount(streams) != 1) {
            throw new IllegalArgumentException(
                    "hyper-connections: a Kronecker product of 2 × 2 matrices mixes 1, 2, 4 or" + " 8 streams, not "
                            + streams + "; choose Mixing.permutations() or Mixing.sinkhorn(20)");
        }
    }

    /**
     * With normEps 1e-6, started near the identity.
     *
     * @param streams n, 1 to 8
     * @param width width of each stream
     * @param mixing how streams are read, written and mixed
     * @return the configuration
     */
    public static HyperConnectionsConfig of(int streams, int width, Mixing mixing) {
        return new HyperConnectionsConfig(streams, width, mixing, 1e-6, HyperStart.nearIdentity());
    }

    /**
     * The same but for the norm's ε.
     *
     * @param eps added to the mean square; 1e-6 in V4, 1e-20 in V4.1
     * @return a new configuration
     */
    public HyperConnectionsConfig withNormEps(double eps) {
        return new HyperConnectionsConfig(streams, width, mixing, eps, start);
    }

    /**
     * The same but for the start.
     *
     * @param other how the parameters of mHC and its relatives start
     * @return a new configuration
     */
    public HyperConnectionsConfig withStart(HyperStart other) {
        return new HyperConnectionsConfig(streams, width, mixing, normEps, other);
    }

    /**
     * Parameters for the first sub-layer of a model.
     *
     * @param backend where they live
     * @param random draws what the start draws
     * @return the connections of one sub-layer
     */
    public HyperConnections init(Backend backend, RandomStream random) {
        return init(backend, random, 0);
    }

    /**
     * Parameters for one sub-layer of a model.
     *
     * @param backend where they live
     * @param random draws what the start draws
     * @param subLayer its place among all sub-layers, from 0; it first reads stream subLayer mod n
     * @return the connections of one sub-layer
     */
    public HyperConnections init(Backend backend, RandomStream random, int subLayer) {
        Check.notNegative("hyper-connections: subLayer", subLayer);
        return over(FirstValues.of(this, backend, random, subLayer % streams));
    }

    /**
     * Connections over parameters that exist already. By form: none for the residual; mHC {@code fn} [n(n+2), n·width],
     * {@code base} [n(n+2)] and {@code scale} [3], rows and bases in the order pre, post, comb (row-major; H_res in the paper's form);
     * permutations, Kronecker and identity likewise, with n!, 2·log₂ n and no rows for the mix, and {@code scale} [2] for identity;
     * fixed {@code base} [n(n+2)]; dynamic {@code fn} [n+2, width] (θ_pre, θ_post, θ_res), {@code base} and {@code scale} [3].
     *
     * @param parameters at least those
     * @return the connections of one sub-layer
     * @throws org.filigree.core.tensor.ShapeException if one has another shape
     */
    public HyperConnections over(ParameterMap parameters) {
        return new HyperConnections(this, Mixer.of(this, parameters));
    }

    /**
     * The released way out of the streams, {@link HyperHead}, started so that it takes their mean; a single stream it halves at the start,
     * which the norm after it takes away ({@link Streams#total} leaves it as it is).
     *
     * @param backend where its parameters live
     * @return the head
     * @throws IllegalArgumentException for the lagged form, which has none
     */
    public HyperHead initHead(Backend backend) {
        if (mixing instanceof Mixing.Lagged) {
            throw new IllegalArgumentException(
                    "hyper-connections: the lagged form leaves the streams by its last weights; use Carried.finish()");
        }
        return HyperHead.init(this, backend);
    }

    /**
     * A layer with hyper-connections around it, on the backend of its parameters.
     *
     * @param layer a layer over [outer…, width]
     * @return a layer over [outer…, streams, width]
     * @throws IllegalArgumentException if the layer has no parameters or the start draws random numbers
     */
    public HyperConnected around(Layer layer) {
        Parameter any = layer.parameters().asMap().values().stream()
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException(
                                "hyper-connections: the layer has no parameters that tell the backend; use around(layer, backend, random)"));
        if (!(start instanceof HyperStart.NearIdentity)) {
            throw new IllegalArgumentException(
                    "hyper-connections: " + start + " draws random numbers; use around(layer, backend, random)");
        }
        return around(layer, Backend.of(any.value()), RandomStream.of(0));
    }

    /**
     * A layer with hyper-connections around it.
     *
     * @param layer a layer over [outer…, width]
     * @param backend where the parameters of the connections live
     * @param random draws what the start draws
     * @return a layer over [outer…, streams, width]
     */
    public HyperConnected around(Layer layer, Backend backend, RandomStream random) {
        return HyperConnected.empty(this, backend, random).then(layer);
    }
}
