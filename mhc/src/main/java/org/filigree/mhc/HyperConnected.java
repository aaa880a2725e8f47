package org.filigree.mhc;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Layers one after the other, each with hyper-connections of its own around it: a layer over streams. Sub-layer s has its parameters
 * under its name, {@code s} unless given, and those of its connections under {@code hc_<name>_fn} and so on, as in released models.
 */
public final class HyperConnected implements Layer {
    private final HyperConnectionsConfig config;
    private final Backend backend;
    private final RandomStream random;
    private final List<SubLayer> subLayers;
    private final Recomputation recomputation;

    record SubLayer(String name, HyperConnections connections, Layer layer) {}

    private HyperConnected(
            HyperConnectionsConfig config,
            Backend backend,
            RandomStream random,
            List<SubLayer> subLayers,
            Recomputation recomputation) {
        this.config = config;
        this.backend = backend;
        this.random = random;
        this.subLayers = List.copyOf(subLayers);
        this.recomputation = recomputation;
    }

    static HyperConnected empty(HyperConnectionsConfig config, Backend backend, RandomStream random) {
        return new HyperConnected(config, backend, random, List.of(), Recomputation.none());
    }

    /**
     * These layers and one more, named by its place.
     *
     * @param layer a layer over [outer…, width]
     * @return a longer chain; this one stays as it is
     */
    public HyperConnected then(Layer layer) {
        return then(String.valueOf(subLayers.size()), layer);
    }

    /**
     * These layers and one more.
     *
     * @param name first part of its parameters' paths
     * @param layer a layer over [outer…, width]
     * @return a longer chain; this one stays as it is
     * @throws IllegalArgumentException if there is a sub-layer of that name
     */
    public HyperConnected then(String name, Layer layer) {
        if (subLayers.stream().anyMatch(subLayer -> subLayer.name.equals(name))) {
            throw new IllegalArgumentException("hyper-connections: the chain already has a sub-layer called " + name);
        }
        int place = subLayers.size();
        var longer = new ArrayList<>(subLayers);
        longer.add(new SubLayer(name, config.init(backend, random.fork(place), place), layer));
        return new HyperConnected(config, backend, random, longer, recomputation);
    }

    /**
     * The same layers, but with another choice of what is kept of the streams in training. The plain residual has nothing to gain
     * and keeps what it keeps. A graph with recomputation goes back in one thread at a time.
     *
     * @param choice what to keep
     * @return a chain of the same sub-layers
     * @throws UnsupportedOperationException in the lagged form, which keeps everything
     */
    public HyperConnected withRecomputation(Recomputation choice) {
        if (config.mixing() instanceof Mixing.Lagged && !(choice instanceof Recomputation.None)) {
            throw new UnsupportedOperationException("hyper-connections: " + choice + " on " + config.mixing()
                    + ", whose weights of reading outlive a block; use Recomputation.none()");
        }
        return new HyperConnected(config, backend, random, subLayers, choice);
    }

    /**
     * Applies the layers in order.
     *
     * @param streams [outer…, streams, width]
     * @param context handed to every layer
     * @return same shape
     * @throws ShapeException if the streams are of another number or width, or a layer changes the shape
     * @throws NaNLogitsException if a mix is NaN, on backends whose tensors are Java arrays
     * @throws UnsupportedOperationException in the lagged form, whose streams come with weights: {@link #forward(Carried, Context)}
     */
    @Override
    public Tensor forward(Tensor streams, Context context) {
        subLayers.getFirst().connections.refuseLagged("forward of streams", "forward(carried, context)");
        int block = block();
        if (block > 0 && Autograd.recording()) {
            return inBlocks(streams, context, block);
        }
        Tensor x = streams;
        for (SubLayer subLayer : subLayers) {
            x = subLayer.connections.apply(x, u -> subLayer.layer.forward(u, context), context);
        }
        return x;
    }

    /**
     * Applies the layers in order to carried streams, {@linkplain HyperConnections#step step by step}; chains may follow one another.
     *
     * @param carried streams [outer…, streams, width] and, for the lagged form, the weights by which the first layer reads them
     * @param context handed to every layer
     * @return streams and, for the lagged form, the weights of reading of the last layer
     * @throws ShapeException if the streams are of another number or width, or a layer changes the shape
     * @throws NaNLogitsException if a mix is NaN, on backends whose tensors are Java arrays
     */
    public Carried forward(Carried carried, Context context) {
        if (!(config.mixing() instanceof Mixing.Lagged)) {
            return carried.withStreams(forward(carried.streams(), context));
        }
        Carried x = carried;
        for (SubLayer subLayer : subLayers) {
            x = subLayer.connections.step(x, u -> subLayer.layer.forward(u, context), context);
        }
        return x;
    }

    private Tensor inBlocks(Tensor streams, Context context, int block) {
        Tensor x = streams;
        for (int from = 0; from < subLayers.size(); from += block) {
            List<SubLayer> part = subLayers.subList(from, Math.min(subLayers.size(), from + block));
            part.getFirst().connections.check(x);
            x = RecomputedBlock.forward(x, part, context);
        }
        return x;
    }

    /** Sub-layers a block, 0 to keep everything. */
    private int block() {
        if (config.mixing() instanceof Mixing.Residual) {
            return 0;
        }
        return switch (recomputation) {
            case Recomputation.None() -> 0;
            case Recomputation.Blocks(int size) -> size;
            case Recomputation.Automatic() -> Recomputation.bestBlock(config.streams(), subLayers.size());
        };
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map = ParameterMap.empty();
        for (SubLayer subLayer : subLayers) {
            map = map.with("", subLayer.connections.parameters("hc_" + subLayer.name + "_"))
                    .with(subLayer.name, subLayer.layer.parameters());
        }
        return map;
    }
}
