package org.filigree.kvcache;

import java.util.List;
import java.util.Optional;
import org.filigree.core.tensor.Tensor;

/** One layer of a {@link PagedSequence}, which does all the work: its layers share a table. */
record PagedKvCache(PagedSequence sequence, int layer, RowLayout layout) implements KvCache, RestorableCache {
    @Override
    public int capacity() {
        return sequence.capacity();
    }

    @Override
    public int length() {
        return sequence.length(layer);
    }

    @Override
    public CacheEnd end() {
        return sequence.end(layer);
    }

    @Override
    public CacheEnd append(CacheEnd end, List<Tensor> parts) {
        return sequence.append(layer, end, parts);
    }

    @Override
    public List<Tensor> asStored(List<Tensor> parts) {
        return sequence.asStored(layer, parts);
    }

    @Override
    public void truncate(int length) {
        sequence.truncate(layer, length);
    }

    @Override
    public CacheRows rows(String... parts) {
        return sequence.rows(layer, parts);
    }

    @Override
    public CacheRows rows(CacheEnd end, String... parts) {
        return sequence.rows(layer, end, parts);
    }

    @Override
    public RowStorage storage() {
        return sequence.storage(layer);
    }

    @Override
    public Optional<String> refusal(int first, int tokens) {
        return SavedRows.refusal(first, tokens, capacity());
    }

    @Override
    public void restore(SavedRows rows) {
        sequence.restore(layer, rows);
    }

    @Override
    public CacheMemory memory() {
        return sequence.memory(layer);
    }

    @Override
    public void close() {
        sequence.close();
    }

    @Override
    public String toString() {
        return "PagedKvCache{" + sequence.describe(layer) + ", " + layout + "}";
    }
}
