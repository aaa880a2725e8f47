package org.filigree.v4;

import java.util.List;
import org.filigree.core.nn.Context;
import org.filigree.engram.EngramCache;
import org.filigree.engram.NgramHash;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.kvcache.SequenceCache;
import org.jspecify.annotations.Nullable;

/**
 * What a model remembers of one sequence that it decodes: keys of every layer, token ids for the n-gram hashes, and the window of every
 * memory convolution. Put it into the {@link Context} under {@link #KEY}.
 */
public final class V4Cache implements AutoCloseable {
    /** Where the model looks for it. */
    public static final Context.Key<V4Cache> KEY = new Context.Key<>("V4 cache", V4Cache.class);

    private final SequenceCache keys;
    private final @Nullable EngramCache memory;

    private V4Cache(SequenceCache keys, @Nullable EngramCache memory) {
        this.keys = keys;
        this.memory = memory;
    }

    static V4Cache of(KvCacheConfig config, @Nullable NgramHash hash) {
        return new V4Cache(config.init(), hash == null ? null : EngramCache.of(hash, 1));
    }

    /** {@return tokens decoded so far: the position of the next one} */
    public int length() {
        return keys.length();
    }

    Context hashed(Context context) {
        return memory == null ? context : memory.advance(context);
    }

    Context atLayer(int layer, Context context) {
        return context.with(CacheBatch.KEY, CacheBatch.layer(List.of(keys), layer));
    }

    /** Releases the memory of the keys; closing twice is harmless. */
    @Override
    public void close() {
        keys.close();
    }
}
