package org.filigree.engram;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * From token ids to table rows, for all Engram layers of a model. Immutable; what a decoded sequence remembers lies in its
 * {@link HashHistory}.
 */
public final class NgramHash {
    private final NgramHashConfig config;
    private final List<LayerHash> layers;
    private final HashHistory.Codes codes;

    NgramHash(NgramHashConfig config) {
        this.config = config;
        this.codes = HashHistory.Codes.of(config);
        int[][][] moduli = PrimeModuli.find(config.layers().size(), config.rowsPerHead(), config.heads());
        List<LayerHash> hashes = new ArrayList<>();
        for (int i = 0; i < moduli.length; i++) {
            int layer = config.layers().get(i);
            long[] multipliers =
                    LayerHash.multipliers(config.vocabulary().size(), config.longest(), layer, config.seed());
            hashes.add(new LayerHash(layer, config.orders(), multipliers, moduli[i]));
        }
        this.layers = List.copyOf(hashes);
    }

    /** {@return what this was made from} */
    public NgramHashConfig config() {
        return config;
    }

    /**
     * The hash functions of a layer.
     *
     * @param layer block number
     * @return its hash
     * @throws IllegalArgumentException if that is no Engram layer
     */
    public LayerHash layer(int layer) {
        return layers.stream()
                .filter(hash -> hash.layer() == layer)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "engram: layer " + layer + " is not among the Engram layers " + config.layers()));
    }

    /** {@return the empty history of a new sequence} */
    public HashHistory history() {
        return new HashHistory(codes);
    }

    /**
     * Rows of whole sequences.
     *
     * @param tokenIds INT32 [batch, tokens]; negative for what is no text
     * @return rows of every layer
     * @throws IndexOutOfBoundsException if the vocabulary has no such id
     */
    public NgramRows rows(Tensor tokenIds) {
        return rows(tokenIds, histories(tokenIds));
    }

    /**
     * Rows of sequences in which several segments are packed: one begins wherever the position does not increase.
     *
     * @param tokenIds INT32 [batch, tokens]; negative for what is no text
     * @param positions INT32 [batch, tokens], positions inside the segments
     * @return rows of every layer
     * @throws IndexOutOfBoundsException if the vocabulary has no such id
     */
    public NgramRows rows(Tensor tokenIds, Tensor positions) {
        Check.dtype("engram", "positions", positions, DType.INT32);
        if (!positions.shape().equals(tokenIds.shape())) {
            throw new ShapeException("engram: token ids " + tokenIds.shape() + " and positions " + positions.shape()
                    + " must have the same shape");
        }
        List<HashHistory> histories = histories(tokenIds);
        int[] ids = tokenIds.toInts();
        int[] at = positions.toInts();
        int tokens = tokenIds.dim(1);
        for (int i = 0; i < ids.length; i++) {
            HashHistory history = histories.get(i / tokens);
            if (i % tokens > 0 && at[i] <= at[i - 1]) {
                history.appendStart(ids[i]);
            } else {
                history.append(ids[i]);
            }
        }
        return last(Backend.of(tokenIds), histories, tokens);
    }

    /**
     * Rows of tokens that continue sequences, to whose histories they are appended.
     *
     * @param tokenIds INT32 [batch, tokens]; negative for what is no text
     * @param histories one for each sequence
     * @return rows of the new tokens, in every layer
     * @throws IndexOutOfBoundsException if the vocabulary has no such id
     */
    public NgramRows rows(Tensor tokenIds, List<HashHistory> histories) {
        check(tokenIds);
        if (histories.size() != tokenIds.dim(0)) {
            throw new ShapeException("engram: token ids " + tokenIds.shape() + " are " + tokenIds.dim(0)
                    + " sequences but there are " + histories.size() + " histories; give one for each");
        }
        int[] ids = tokenIds.toInts();
        for (int id : ids) {
            codes.require(id);
        }
        int tokens = tokenIds.dim(1);
        for (int i = 0; i < ids.length; i++) {
            histories.get(i / tokens).append(ids[i]);
        }
        return last(Backend.of(tokenIds), histories, tokens);
    }

    /**
     * Hashes the context's token ids for all layers, so that none of them has to.
     *
     * @param context with token ids, at position 0
     * @return the context with its rows
     * @throws IllegalStateException if token ids are missing, or tokens before them are unknown
     */
    public Context prepare(Context context) {
        if (context.start() > 0) {
            throw new IllegalStateException("engram: the pass starts at position " + context.start()
                    + " and the tokens before it are unknown; continue with EngramCache.advance(context)");
        }
        return context.with(NgramRows.KEY, rows(context.require(Context.TOKEN_IDS, "engram")));
    }

    private List<HashHistory> histories(Tensor tokenIds) {
        check(tokenIds);
        return Stream.generate(this::history).limit(tokenIds.dim(0)).toList();
    }

    private static void check(Tensor tokenIds) {
        Check.dtype("engram", "token ids", tokenIds, DType.INT32);
        Check.rank("engram", "token ids", tokenIds, 2);
    }

    private NgramRows last(Backend backend, List<HashHistory> histories, int tokens) {
        int columns = config.columns();
        int batch = histories.size();
        int[][] rows = new int[layers.size()][Math.multiplyExact(Math.multiplyExact(batch, tokens), columns)];
        float[] live = new float[batch * tokens];
        int[] window = new int[config.longest()];
        int token = 0;
        for (HashHistory history : histories) {
            for (int position = history.length() - tokens; position < history.length(); position++, token++) {
                history.window(position, window);
                live[token] = history.live(position) ? 1 : 0;
                for (int i = 0; i < rows.length; i++) {
                    layers.get(i).rows(window, rows[i], token * columns);
                }
            }
        }
        var byLayer = new TreeMap<Integer, Tensor>();
        for (int i = 0; i < rows.length; i++) {
            byLayer.put(layers.get(i).layer(), backend.tensors().ints(Shape.of(batch, tokens, columns), rows[i]));
        }
        return new NgramRows(byLayer, mask(backend, Shape.of(batch, tokens), live));
    }

    private static @Nullable Tensor mask(Backend backend, Shape shape, float[] live) {
        boolean allLive = true;
        for (float each : live) {
            allLive &= each == 1;
        }
        return allLive ? null : backend.tensors().floats(shape, live);
    }

    @Override
    public String toString() {
        return "NgramHash" + Arrays.toString(layers.toArray());
    }
}
