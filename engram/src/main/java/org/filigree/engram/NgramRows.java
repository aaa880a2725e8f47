package org.filigree.engram;

import java.util.Map;
import java.util.Optional;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The table rows that the tokens of one pass read, in every Engram layer. They depend on token ids alone; compute them once a batch
 * and pass them to all layers through the {@link Context}.
 */
public final class NgramRows {
    /** Under which a pass carries its rows. */
    public static final Context.Key<NgramRows> KEY = new Context.Key<>("n-gram rows", NgramRows.class);

    private final Map<Integer, Tensor> byLayer;
    private final @Nullable Tensor live;

    NgramRows(Map<Integer, Tensor> byLayer, @Nullable Tensor live) {
        this.byLayer = Map.copyOf(byLayer);
        this.live = live;
    }

    /**
     * The rows of a layer.
     *
     * @param layer block number
     * @return INT32 [batch, tokens, columns]
     * @throws IllegalArgumentException if that is no Engram layer
     */
    public Tensor of(int layer) {
        Tensor rows = byLayer.get(layer);
        if (rows == null) {
            throw new IllegalArgumentException("engram: layer " + layer + " was not hashed, only "
                    + byLayer.keySet().stream().sorted().toList() + "; list it in NgramHashConfig.layers");
        }
        return rows;
    }

    /** {@return FLOAT32 [batch, tokens], 1 at text and 0 at dead tokens; empty if no token is dead} */
    public Optional<Tensor> live() {
        return Optional.ofNullable(live);
    }
}
