package org.filigree.kvcache;

import java.util.List;
import java.util.Optional;
import org.filigree.core.tensor.Tensor;

/** A cache beside whose rows something else happens. */
record InterruptedCache(RestorableCache cache, Runnable meanwhile) implements RestorableCache {
    @Override
    public RowStorage storage() {
        return cache.storage();
    }

    @Override
    public Optional<String> refusal(int oldest, int length) {
        return cache.refusal(oldest, length);
    }

    @Override
    public void restore(SavedRows rows) {
        meanwhile.run();
        cache.restore(rows);
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
