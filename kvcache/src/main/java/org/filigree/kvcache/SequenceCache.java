package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The caches of one sequence, one for every layer. A forward pass fills them layer by layer; between passes they are equally long.
 * After a pass that failed half-way, {@code truncate(length())} brings them back to the last token that all layers hold.
 */
public final class SequenceCache implements AutoCloseable {
    private final List<KvCache> layers;

    /**
     * Caches that this one will own.
     *
     * @param layers one for every layer, first layer first, equally long
     * @throws KvCacheException if one holds more tokens than another: a prefix, say, that only some layers have been given; or if two
     *     layers have the same cache, in which one would continue the other's rows
     */
    public SequenceCache(List<? extends KvCache> layers) {
        if (layers.isEmpty()) {
            throw new IllegalArgumentException("sequence cache: a sequence needs at least one layer");
        }
        requireOwn(layers);
        List<Integer> lengths = layers.stream().map(KvCache::length).toList();
        if (lengths.stream().distinct().count() > 1) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "sequence cache: its layers hold " + lengths + " tokens, but a pass begins at the same position in"
                            + " all of them; truncate those that are ahead, or begin with empty ones");
        }
        this.layers = List.copyOf(layers);
    }

    private static void requireOwn(List<? extends KvCache> layers) {
        var seen = new HashMap<KvCache, Integer>();
        for (int layer = 0; layer < layers.size(); layer++) {
            Integer before = seen.put(layers.get(layer), layer);
            if (before != null) {
                throw new KvCacheException(
                        KvCacheException.Reason.LAYOUT,
                        "sequence cache: layers " + before + " and " + layer + " have the same cache "
                                + layers.get(layer) + "; make one for each");
            }
        }
    }

    private SequenceCache(Stream<? extends KvCache> layers) {
        this.layers = List.copyOf(layers.toList());
    }

    /** The handles of a sequence that a pass may have filled in some layers only. */
    static SequenceCache midway(List<? extends KvCache> layers) {
        return new SequenceCache(layers.stream());
    }

    /** Makes the caches one by one, and closes those already made if one cannot be. */
    static SequenceCache of(Stream<? extends Supplier<? extends KvCache>> makers) {
        var made = new ArrayList<KvCache>();
        try {
            makers.forEach(maker -> made.add(maker.get()));
        } catch (KvCacheException failure) {
            made.forEach(KvCache::close);
            throw failure;
        }
        return new SequenceCache(made);
    }

    /** {@return how many layers there are} */
    public int layers() {
        return layers.size();
    }

    /**
     * The cache of one layer.
     *
     * @param layer number of the layer, from 0
     * @return its cache
     * @throws KvCacheException if there is no such layer
     */
    public KvCache layer(int layer) {
        if (layer < 0 || layer >= layers.size()) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    "layer: there is no layer " + layer + "; the sequence has " + layers.size()
                            + (layers.size() == 1 ? " layer, number 0" : " layers, numbers 0…" + (layers.size() - 1)));
        }
        return layers.get(layer);
    }

    /** {@return the number of tokens that every layer holds: the position of the next token} */
    public int length() {
        return layers.stream().mapToInt(KvCache::length).min().orElseThrow();
    }

    /**
     * Forgets every token from a length on, in all layers.
     *
     * @param length tokens to keep, 0…{@link #length}
     * @throws KvCacheException if a layer holds fewer, or has forgotten what that length would need; then no layer changes
     */
    public void truncate(int length) {
        AppendCheck.length(length, ClosedCache.during("truncate", "a layer of the sequence", this::length));
        // A layer that refuses says why, before another one has forgotten anything.
        layers.stream().filter(layer -> !layer.canTruncateTo(length)).forEach(layer -> layer.truncate(length));
        layers.forEach(layer -> layer.truncate(length));
    }

    /** {@return the memory that all layers own} */
    public CacheMemory memory() {
        return layers.stream().map(KvCache::memory).reduce(CacheMemory.NONE, CacheMemory::plus);
    }

    /** Closes every layer's cache; closing twice is harmless. */
    @Override
    public void close() {
        layers.forEach(KvCache::close);
    }

    /** {@return its layers, those that look alike together} */
    @Override
    public String toString() {
        var alike = new LinkedHashMap<String, Integer>();
        layers.forEach(layer -> alike.merge(String.valueOf(layer), 1, Integer::sum));
        return alike.entrySet().stream()
                .map(layer -> layer.getValue() + " × " + layer.getKey())
                .collect(Collectors.joining(", ", "SequenceCache{", "}"));
    }
}
