package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * What one sequence has left in a layer that pools runs of tokens: parts with a row for each token, and parts with a row, an entry, for
 * each complete run of {@code ratio} tokens. The rows of tokens include what an incomplete run, and the run before it where runs overlap,
 * will be pooled from; so decoding goes on in the middle of a run, and a truncation gives back the entries and the incomplete run of the
 * shorter length. Nothing of it outlives the sequence: a cache is made for one.
 *
 * <p>{@link #append} takes the parts of tokens, then those of entries: ⌊(length + tokens)/ratio⌋ − ⌊length/ratio⌋ rows each, pooled by the
 * caller from {@link #rows} of the token parts and what it appends. {@link #rows} shows parts of tokens or parts of entries. Token rows
 * may lie in a {@link SlidingKvCache}, which then keeps what the window and the pooling look back to; entries may be stored in any other way.
 * Threads may share a handle; calls wait for each other.
 */
public final class CompressedKvCache implements KvCache {
    private final KvCache tokens;
    private final KvCache entries;
    private final RowLayout layout;
    private final int ratio;

    /**
     * Joins a cache of token rows and one of entry rows, both empty, and owns them from now on.
     *
     * @param tokens a row for each token
     * @param entries a row for each complete run; keeps all of them
     * @param ratio tokens of a run
     * @throws KvCacheException if a cache is not empty, both are the same, or that of entries forgets the oldest
     */
    public CompressedKvCache(KvCache tokens, KvCache entries, int ratio) {
        Check.positive("compressed kv cache: ratio", ratio);
        if (tokens.length() != 0 || entries.length() != 0) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "compressed kv cache: it must begin empty but was given " + tokens.length() + " tokens and "
                            + entries.length() + " entries; truncate both to 0 first");
        }
        if (tokens.equals(entries)) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    "compressed kv cache: tokens and entries are the same cache " + tokens
                            + ", whose rows would stand for both; make one for each");
        }
        if (entries.kept() < entries.capacity()) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    "compressed kv cache: entries are needed as long as the sequence is, but " + entries
                            + " keeps the last " + entries.kept()
                            + " alone; give a cache that keeps all of them, contiguous or paged");
        }
        this.tokens = tokens;
        this.entries = entries;
        this.ratio = ratio;
        var parts = new ArrayList<>(tokens.layout().parts());
        parts.addAll(entries.layout().parts());
        this.layout = new RowLayout(parts);
    }

    @Override
    public RowLayout layout() {
        return layout;
    }

    /** {@return tokens of a run} */
    public int ratio() {
        return ratio;
    }

    KvCache tokens() {
        return tokens;
    }

    KvCache entries() {
        return entries;
    }

    @Override
    public int kept() {
        return tokens.kept();
    }

    @Override
    public int capacity() {
        return (int) Math.min(tokens.capacity(), (entries.capacity() + 1L) * ratio - 1);
    }

    @Override
    public synchronized int length() {
        return tokens.length();
    }

    @Override
    public synchronized CacheEnd end() {
        return end("end");
    }

    private CacheEnd end(String operation) {
        return ClosedCache.during(operation, "the cache of rows " + layout, tokens::end);
    }

    @Override
    public synchronized CacheEnd append(CacheEnd end, List<Tensor> parts) {
        end.requireAppendable(end("append"));
        int perToken = tokens.layout().parts().size();
        if (parts.size() != layout.parts().size()) {
            throw new ShapeException("append: " + parts.size() + " tensors for rows " + layout + ", which have "
                    + layout.parts().size() + " parts; give the parts of tokens, then those of entries");
        }
        List<Tensor> ofTokens = parts.subList(0, perToken);
        List<Tensor> ofEntries = parts.subList(perToken, parts.size());
        requireInStep("append");
        int length = end.length();
        int added = AppendCheck.rows(tokens.layout(), length, tokens.capacity(), ofTokens);
        CacheEnd before = entries.end();
        int complete = (length + added) / ratio - before.length();
        for (Tensor entry : ofEntries) {
            if (entry.shape().rank() != 2 || entry.dim(0) != complete) {
                throw new ShapeException("append: " + added + " tokens behind " + length + " complete " + complete
                        + " runs of " + ratio + " but an entry part is " + entry.shape()
                        + "; give one row for each run that becomes complete");
            }
        }
        if (complete > entries.capacity() - before.length()) {
            throw new KvCacheException(
                    KvCacheException.Reason.EXHAUSTED,
                    "append: " + complete + " entries behind " + before.length() + " exceed the capacity of "
                            + entries.capacity() + " entries; " + tokens.capacity() + " tokens by " + ratio
                            + " need a capacity of " + tokens.capacity() / ratio);
        }
        // Entries first: they can be taken back, what a ring has overwritten cannot.
        entries.append(before, ofEntries);
        try {
            return tokens.append(end, ofTokens);
        } catch (RuntimeException | Error failure) {
            entries.truncate(before.length());
            throw failure;
        }
    }

    /**
     * What tokens leave, as it will be read; entries are read where they lie, once they are appended.
     *
     * @param ofTokens the parts of tokens alone
     */
    @Override
    public synchronized List<Tensor> asStored(List<Tensor> ofTokens) {
        return ClosedCache.during("asStored", "the cache of rows " + layout, () -> tokens.asStored(ofTokens));
    }

    @Override
    public synchronized void truncate(int length) {
        boolean ofTokens =
                ClosedCache.during("truncate", "the cache of rows " + layout, () -> tokens.canTruncateTo(length));
        if (ofTokens && !entries.canTruncateTo(length / ratio)) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "truncate: " + length + " tokens complete " + length / ratio + " runs of " + ratio + " but of its "
                            + entries.length() + " entries the cache cannot keep so many; truncate tokens and entries"
                            + " together, through the compressed cache, or go back further");
        }
        tokens.truncate(length);
        entries.truncate(length / ratio);
    }

    @Override
    public synchronized boolean canTruncateTo(int length) {
        return tokens.canTruncateTo(length) && entries.canTruncateTo(length / ratio);
    }

    @Override
    public synchronized CacheRows rows(String... parts) {
        return rows(end("rows"), parts);
    }

    @Override
    public synchronized CacheRows rows(CacheEnd end, String... parts) {
        int perToken = tokens.layout().parts().size();
        long ofEntries = Arrays.stream(parts)
                .filter(part -> layout.index(part) >= perToken)
                .count();
        if (ofEntries == 0 && parts.length > 0) {
            return tokens.rows(end, parts);
        }
        if (ofEntries == 0 || ofEntries < parts.length) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    "rows: name parts of tokens " + tokens.layout() + " or parts of entries " + entries.layout()
                            + ", of which there are fewer rows, not both");
        }
        end.requireHeld(end("rows"));
        requireInStep("rows");
        CacheEnd complete = entries.end().at(end.length() / ratio);
        return new EntryRows(entries.rows(complete, parts), ratio);
    }

    /** Somebody may have taken back tokens or entries alone, through the caches that this one is made of. */
    private void requireInStep(String operation) {
        int complete = end(operation).length() / ratio;
        int held = entries.length();
        if (held != complete) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    operation + ": " + tokens.length() + " tokens complete " + complete + " runs of " + ratio
                            + " but the cache holds " + held
                            + " entries; truncate tokens and entries together, through the compressed cache");
        }
    }

    /** Rows that stand for several tokens each. */
    private record EntryRows(CacheRows entries, int tokensPerRow) implements CacheRows {
        @Override
        public int count() {
            return entries.count();
        }

        @Override
        public int firstToken() {
            return entries.firstToken() * tokensPerRow;
        }

        @Override
        public RowLayout layout() {
            return entries.layout();
        }

        @Override
        public int width() {
            return entries.width();
        }

        @Override
        public void read(int first, int count, float[] out, int at) {
            entries.read(first, count, out, at);
        }

        @Override
        public void gather(int[] rows, int from, int count, float[] out, int at) {
            entries.gather(rows, from, count, out, at);
        }

        @Override
        public List<StoredRows> stored() {
            return entries.stored();
        }

        @Override
        public String toString() {
            return "CacheRows{" + count() + " rows " + layout() + ", " + tokensPerRow + " tokens each}";
        }
    }

    @Override
    public synchronized CacheMemory memory() {
        return tokens.memory().plus(entries.memory());
    }

    @Override
    public synchronized void close() {
        tokens.close();
        entries.close();
    }

    /** Lets somebody look at tokens and entries while no call changes either. */
    synchronized void inStep(Runnable look) {
        look.run();
    }

    @Override
    public String toString() {
        return "CompressedKvCache{" + ratio + " tokens an entry, " + tokens + ", " + entries + "}";
    }
}
