package org.filigree.kvcache;

import java.util.List;
import java.util.Optional;
import org.filigree.core.tensor.Tensor;

/** A cache beside whose rows something else happens. */
record InterruptedCache(KvCache cache, Runnable meanwhile) implements KvCache, RestorableCache {
    private RestorableCache stored() {
        return RestorableCache.of(cache).orElseThrow();
    }

    @Override
    public RowStorage storage() {
        return stored().storage();
    }

    @Override
    public Optional<String> refusal(int oldest, int length) {
        return stored().refusal(oldest, length);
    }

    @Override
    public void restore(SavedRows rows) {
        meanwhile.run();
        stored().restore(rows);
    }

    @Override
    public RowLayout layout() {
        return cache.layout();
    }

    @Override
    public int capacity() {
        return cache.capacity();
    }

    @Override
    public int length() {
        return cache.length();
    }

    @Override
    public CacheEnd end() {
        return cache.end();
    }

    @Override
    public CacheEnd append(CacheEnd end, List<Tensor> parts) {
        return cache.append(end, parts);
    }

    @Override
    public List<Tensor> asStored(List<Tensor> parts) {
        return cache.asStored(parts);
    }

    @Override
    public void truncate(int length) {
        cache.truncate(length);
    }

    @Override
    public CacheRows rows(String... parts) {
        meanwhile.run();
        return cache.rows(parts);
    }

    @Override
    public CacheRows rows(CacheEnd end, String... parts) {
        meanwhile.run();
        return cache.rows(end, parts);
    }

    @Override
    public CacheMemory memory() {
        return cache.memory();
    }

    @Override
    public void close() {
        cache.close();
    }
}
