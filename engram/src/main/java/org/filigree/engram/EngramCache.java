package org.filigree.engram;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * What decoding remembers of a batch of sequences: their token ids for hashing, and for each layer the normalised values that its
 * convolution still looks at. Feed tokens in pieces of any length; the results are those of one pass.
 *
 * <p>To take tokens back, for instance proposed ones that were not accepted, {@link #copy} before them and go on with the copy.
 * Changed by one thread at a time.
 */
public final class EngramCache {
    /** Under which a pass carries its cache. */
    public static final Context.Key<EngramCache> KEY = new Context.Key<>("engram cache", EngramCache.class);

    private final NgramHash hash;
    private final List<HashHistory> histories;
    private final Map<Integer, Tensor> recent;

    private EngramCache(NgramHash hash, List<HashHistory> histories, Map<Integer, Tensor> recent) {
        this.hash = hash;
        this.histories = histories;
        this.recent = recent;
    }

    /**
     * A cache for new sequences.
     *
     * @param hash of the model
     * @param batch number of sequences
     * @return an empty cache
     */
    public static EngramCache of(NgramHash hash, int batch) {
        Check.notNegative("engram cache: batch", batch);
        List<HashHistory> histories =
                Stream.generate(hash::history).limit(batch).toList();
        return new EngramCache(hash, histories, new HashMap<>());
    }

    /** {@return an equal cache that grows by itself} */
    public EngramCache copy() {
        List<HashHistory> copies = new ArrayList<>();
        histories.forEach(history -> copies.add(history.copy()));
        return new EngramCache(hash, copies, new HashMap<>(recent));
    }

    /** {@return how many tokens of each sequence were seen} */
    public int length() {
        return histories.isEmpty() ? 0 : histories.getFirst().length();
    }

    /**
     * Takes the context's token ids in, once for all layers. Then let each layer see them once.
     *
     * @param context with token ids, at the position where this cache ends
     * @return the context with the rows of its tokens and with this cache
     * @throws IllegalStateException if token ids are missing, or the position is another
     */
    public Context advance(Context context) {
        if (context.start() != length()) {
            throw new IllegalStateException("engram cache: it holds " + length() + " tokens but the pass starts at "
                    + context.start() + "; use context.at(" + length() + "), or a new cache");
        }
        Tensor ids = context.require(Context.TOKEN_IDS, "engram cache");
        return context.with(KEY, this).with(NgramRows.KEY, hash.rows(ids, histories));
    }

    /** Normalised values of a layer at the last tokens, [batch, reach, streams·width]; empty before the first pass. */
    Optional<Tensor> recent(int layer) {
        return Optional.ofNullable(recent.get(layer));
    }

    void remember(int layer, Tensor values) {
        recent.put(layer, values);
    }
}
