package org.filigree.attention.compressed;

import java.util.List;
import java.util.stream.Stream;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheMemory;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;

/**
 * What one sequence has left in one layer with compression: parts with a row for each token, and parts with a row for each complete
 * run. The rows of tokens include what incomplete runs will be pooled from, so that decoding goes on in the middle of a run, and
 * truncation to any length gives back the entries and the incomplete run of that length.
 *
 * <p>{@link #append} takes the parts of tokens, then those of entries, ⌊(length + tokens)/ratio⌋ − ⌊length/ratio⌋ rows each; {@link #view}
 * of an entry part has ⌊length/ratio⌋ rows. Not for several threads at once.
 */
public final class CompressedCache implements KvCache {
    private final KvCache tokens;
    private final KvCache entries;
    private final RowLayout layout;
    private final int ratio;

    /**
     * Joins a cache of token rows and one of entry rows, both empty, and owns them from now on.
     *
     * @param tokens a row for each token
     * @param entries a row for each complete run
     * @param ratio tokens of a run
     */
    public CompressedCache(KvCache tokens, KvCache entries, int ratio) {
        if (tokens.length() != 0 || entries.length() != 0) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "compressed cache: it must begin empty but was given " + tokens.length() + " tokens and "
                            + entries.length() + " entries");
        }
        this.tokens = tokens;
        this.entries = entries;
        this.ratio = ratio;
        this.layout = new RowLayout(Stream.concat(tokens.layout().parts().stream(), entries.layout().parts().stream())
                .toList());
    }

    /**
     * A cache in float32 for one layer; with compression a {@link CompressedCache}.
     *
     * @param config of the layer
     * @param capacity longest sequence, in tokens
     * @return an empty cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had
     */
    public static KvCache of(CompressedAttentionConfig config, int capacity) {
        KvCache tokens = new ContiguousKvCache(config.tokenLayout(), capacity);
        int ratio = config.compression().ratio();
        if (ratio == 0) {
            return tokens;
        }
        try {
            int runs = Math.max(1, capacity / ratio);
            return new CompressedCache(tokens, new ContiguousKvCache(config.entryLayout(), runs), ratio);
        } catch (KvCacheException failure) {
            tokens.close();
            throw failure;
        }
    }

    @Override
    public RowLayout layout() {
        return layout;
    }

    @Override
    public int capacity() {
        return tokens.capacity();
    }

    @Override
    public int length() {
        return tokens.length();
    }

    @Override
    public void append(List<Tensor> parts) {
        int perToken = tokens.layout().parts().size();
        if (parts.size() != layout.parts().size()) {
            throw new ShapeException(
                    "compressed cache: append was given " + parts.size() + " parts but rows are " + layout);
        }
        int before = tokens.length();
        int complete = (before + parts.getFirst().dim(0)) / ratio - entries.length();
        for (Tensor part : parts.subList(perToken, parts.size())) {
            if (part.dim(0) != complete) {
                throw new ShapeException("compressed cache: " + parts.getFirst().dim(0) + " tokens after " + before
                        + " complete " + complete + " runs of " + ratio + " but an entry part is " + part.shape());
            }
        }
        tokens.append(parts.subList(0, perToken));
        try {
            entries.append(parts.subList(perToken, parts.size()));
        } catch (KvCacheException | ShapeException refused) {
            tokens.truncate(before);
            throw refused;
        }
    }

    @Override
    public void truncate(int length) {
        tokens.truncate(length);
        entries.truncate(length / ratio);
    }

    @Override
    public Tensor view(String part, Backend backend) {
        boolean entry = layout.index(part) >= tokens.layout().parts().size();
        return (entry ? entries : tokens).view(part, backend);
    }

    @Override
    public CacheMemory memory() {
        return tokens.memory().plus(entries.memory());
    }

    @Override
    public void close() {
        tokens.close();
        entries.close();
    }
}
