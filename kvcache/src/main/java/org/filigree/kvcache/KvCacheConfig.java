package org.filigree.kvcache;

import java.util.Collections;
import java.util.List;
import org.filigree.core.tensor.Check;

/**
 * Sizes of the caches of one sequence.
 *
 * @param capacity longest sequence, in tokens
 * @param layers what every layer's rows consist of and how they are stored, first layer first
 */
public record KvCacheConfig(int capacity, List<RowStorage> layers) {
    /** Checks that there are layers and room. */
    public KvCacheConfig {
        Check.positive("kv cache: capacity", capacity);
        layers = List.copyOf(layers);
        Check.positive("kv cache: layers", layers.size());
    }

    /**
     * Layers that are all alike, in float32.
     *
     * @param capacity longest sequence, in tokens
     * @param layers how many layers
     * @param layout the layout of each
     * @return the configuration
     */
    public static KvCacheConfig of(int capacity, int layers, RowLayout layout) {
        return of(capacity, layers, RowStorage.float32(layout));
    }

    /**
     * Layers that are all alike.
     *
     * @param capacity longest sequence, in tokens
     * @param layers how many layers
     * @param storage of each
     * @return the configuration
     */
    public static KvCacheConfig of(int capacity, int layers, RowStorage storage) {
        Check.positive("kv cache: layers", layers);
        return new KvCacheConfig(capacity, Collections.nCopies(layers, storage));
    }

    /**
     * The same layers for sequences of another length.
     *
     * @param tokens longest sequence, in tokens
     * @return a new configuration
     */
    public KvCacheConfig withCapacity(int tokens) {
        return new KvCacheConfig(tokens, layers);
    }

    /** {@return bytes that one token takes in all layers} */
    public long bytesPerToken() {
        return layers.stream().mapToLong(RowStorage::bytesPerRow).sum();
    }

    /**
     * Reserves an empty cache for one sequence.
     *
     * @return the cache, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     */
    public SequenceCache init() {
        return SequenceCache.of(layers.stream().map(storage -> () -> new ContiguousKvCache(storage, capacity)));
    }
}
