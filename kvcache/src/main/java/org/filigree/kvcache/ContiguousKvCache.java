package org.filigree.kvcache;

import java.util.List;
import java.util.Optional;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * All rows of a sequence one behind the other, reserved in full outside the heap when the cache is made. The capacity is fixed: a decoder
 * knows its longest sequence, and growing would copy at an unpredictable step. Threads may share a handle; calls wait for each other.
 */
public final class ContiguousKvCache implements KvCache {
    private final int capacity;
    private final RowMemory memory;
    private final RowLayout layout;
    private final Edition edition = new Edition();
    private CacheEnd end = CacheEnd.start();
    private boolean closed;

    /**
     * An empty cache in float32.
     *
     * @param layout what a row consists of
     * @param capacity largest number of rows
     * @throws KvCacheException if the memory cannot be had
     */
    public ContiguousKvCache(RowLayout layout, int capacity) {
        this(RowStorage.float32(layout), capacity);
    }

    /**
     * An empty cache.
     *
     * @param storage what a row consists of and how it is stored
     * @param capacity largest number of rows
     * @throws KvCacheException if the memory cannot be had
     */
    public ContiguousKvCache(RowStorage storage, int capacity) {
        Check.positive("contiguous kv cache: capacity", capacity);
        this.capacity = capacity;
        this.layout = storage.layout();
        this.memory = RowMemory.reserve(storage, capacity, RowMemory.PAGE_ROWS);
    }

    @Override
    public RowLayout layout() {
        return layout;
    }

    @Override
    public int capacity() {
        return capacity;
    }

    @Override
    public synchronized int length() {
        requireOpen("length");
        return end.length();
    }

    @Override
    public synchronized CacheEnd end() {
        requireOpen("end");
        return end;
    }

    @Override
    public synchronized CacheEnd append(CacheEnd expected, List<Tensor> parts) {
        requireOpen("append");
        expected.requireAppendable(end);
        int rows = AppendCheck.rows(layout, end.length(), capacity, parts);
        memory.write(Slots.contiguous(), end.length(), parts, 0, rows);
        end = end.grown(rows);
        return end;
    }

    @Override
    public synchronized List<Tensor> asStored(List<Tensor> parts) {
        requireOpen("asStored");
        return memory.storage().asStored(parts);
    }

    @Override
    public synchronized void truncate(int kept) {
        requireOpen("truncate");
        AppendCheck.length(kept, end.length());
        if (kept < end.length()) {
            edition.supersede();
            end = end.shortened(kept);
        }
    }

    @Override
    public synchronized CacheRows rows(String... parts) {
        return rows(end, parts);
    }

    @Override
    public synchronized CacheRows rows(CacheEnd wanted, String... parts) {
        requireOpen("rows");
        wanted.requireHeld(end);
        return new MappedRows(memory, Slots.contiguous(), wanted.length(), edition, parts);
    }

    RestorableCache restorable() {
        return new Restorable();
    }

    /** This cache, to a snapshot. */
    private final class Restorable implements RestorableCache {
        @Override
        public RowStorage storage() {
            return memory.storage();
        }

        @Override
        public Optional<String> refusal(int first, int tokens) {
            return SavedRows.refusal(first, tokens, capacity);
        }

        @Override
        public void restore(SavedRows rows) {
            take(rows);
        }
    }

    private synchronized void take(SavedRows rows) {
        requireOpen("snapshot restore");
        SavedRows.requireEmpty(end.length());
        rows.copyTo(memory, Slots.contiguous(), 0);
        end = end.grown(rows.length());
    }

    @Override
    public synchronized CacheMemory memory() {
        if (closed) {
            return CacheMemory.NONE;
        }
        return new CacheMemory(memory.bytes(), (long) memory.storage().bytesPerRow() * end.length());
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            edition.supersede();
            memory.close();
        }
    }

    private void requireOpen(String operation) {
        if (closed) {
            throw ClosedCache.refusal(operation, "the cache of rows " + layout);
        }
    }

    @Override
    public synchronized String toString() {
        return "ContiguousKvCache{"
                + (closed ? "closed" : end.length() + " of " + capacity + " rows, " + memory.bytes() + " bytes") + ", "
                + layout + "}";
    }
}
