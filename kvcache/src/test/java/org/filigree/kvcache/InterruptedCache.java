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
    public void append(List<Tensor> parts) {
        cache.append(parts);
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
    public CacheMemory memory() {
        return cache.memory();
    }

    @Override
    public void close() {
        cache.close();
    }
}
