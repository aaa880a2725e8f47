package org.filigree.kvcache;

import java.util.List;
import java.util.Optional;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * The last tokens of a sequence in a ring: token p lies in slot p mod slots. Older ones are overwritten, so memory does not grow with the
 * context. Of a longer chunk only the end is stored. Threads may share a handle; calls wait for each other.
 */
public final class SlidingKvCache implements KvCache {
    private final int capacity;
    private final SlidingWindow window;
    private final RowMemory memory;
    private final RowLayout layout;
    private final Edition edition = new Edition();
    private int oldest;
    /** The oldest token when tokens were last taken back: what is older had been overwritten before. */
    private int floor;

    private CacheEnd end = CacheEnd.start();
    private boolean closed;

    /**
     * An empty cache.
     *
     * @param storage what a row consists of and how it is stored
     * @param window how many tokens it keeps
     * @param capacity longest sequence, in tokens; takes no memory
     * @throws KvCacheException if the memory cannot be had
     */
    public SlidingKvCache(RowStorage storage, SlidingWindow window, int capacity) {
        Check.positive("sliding kv cache: capacity", capacity);
        this.capacity = capacity;
        this.window = window;
        this.layout = storage.layout();
        this.memory = RowMemory.reserve(storage, window.slots(), RowMemory.PAGE_ROWS);
    }

    @Override
    public RowLayout layout() {
        return layout;
    }

    /** {@return how many tokens it keeps} */
    public SlidingWindow window() {
        return window;
    }

    @Override
    public int kept() {
        return window.slots();
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
        int length = end.length();
        int rows = AppendCheck.rows(layout, length, capacity, parts);
        int kept = Math.min(rows, window.slots());
        int stillThere = window.oldest(oldest, length + rows);
        if (stillThere > oldest) {
            edition.supersede();
        }
        memory.write(Slots.ring(length + rows - kept, window.slots()), 0, parts, rows - kept, kept);
        oldest = stillThere;
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
        window.requireWhole(oldest, kept);
        if (kept < end.length()) {
            edition.supersede();
            end = end.shortened(kept);
            oldest = Math.min(oldest, kept);
            floor = oldest;
        }
    }

    @Override
    public synchronized boolean canTruncateTo(int kept) {
        requireOpen("canTruncateTo");
        return kept >= 0 && kept <= end.length() && window.isWhole(oldest, kept);
    }

    @Override
    public synchronized CacheRows rows(String... parts) {
        return rows(end, parts);
    }

    @Override
    public synchronized CacheRows rows(CacheEnd wanted, String... parts) {
        requireOpen("rows");
        wanted.requireHeld(end);
        int first = window.oldest(floor, wanted.length());
        if (first != oldest) {
            throw new KvCacheException(
                    KvCacheException.Reason.STALE,
                    "rows: tokens " + first + " to " + (wanted.length() - 1) + " are asked for, but since then "
                            + (end.length() - wanted.length()) + " more were appended and those before " + oldest
                            + " overwritten; let one pass end before the next one begins, or give the window more slack");
        }
        return new MappedRows(memory, Slots.ring(oldest, window.slots()), wanted.length() - oldest, edition, parts);
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
            int needed = tokens - Math.min(window.width(), tokens);
            if (first > needed) {
                return Optional.of("its window of " + window.width() + " begins at token " + needed
                        + ", but rows are there from " + first + " on; restore into one of a smaller window");
            }
            return SavedRows.refusal(0, tokens, capacity);
        }

        @Override
        public void restore(SavedRows rows) {
            take(rows);
        }
    }

    private synchronized void take(SavedRows rows) {
        requireOpen("snapshot restore");
        SavedRows.requireEmpty(end.length());
        int first = window.oldest(rows.oldest(), rows.length());
        rows.copyTo(memory, Slots.ring(first, window.slots()), first);
        oldest = first;
        floor = first;
        end = end.grown(rows.length());
    }

    @Override
    public synchronized CacheMemory memory() {
        if (closed) {
            return CacheMemory.NONE;
        }
        return new CacheMemory(memory.bytes(), (long) memory.storage().bytesPerRow() * (end.length() - oldest));
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
        return "SlidingKvCache{"
                + (closed
                        ? "closed"
                        : end.length() + " of " + capacity + " tokens, rows of the last " + (end.length() - oldest)
                                + ", " + memory.bytes() + " bytes")
                + ", " + layout + "}";
    }
}
