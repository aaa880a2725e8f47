package org.filigree.kvcache;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * The rows that one sequence has left in one layer, append-only but for {@link #truncate}. Its length counts tokens, and is also the
 * position of the next one. Most forms keep one row a token and all of them; a sliding one forgets the oldest, a compressed one keeps a
 * row for several tokens: {@link CacheRows} says which tokens its rows belong to. A batch has one cache for each of its sequences, so
 * sequences of different length stand side by side without padding.
 *
 * <p>A cache owns memory until it is closed. Closing twice is harmless; any other call after closing throws a
 * {@link KvCacheException}. A call that throws leaves the cache as it was. Threads may share a handle: calls wait for each other, and
 * rows are appended to the {@link CacheEnd} that they were computed for or refused.
 */
public interface KvCache extends AutoCloseable {
    /** {@return what a row consists of} */
    RowLayout layout();

    /** {@return the longest sequence, in tokens} */
    int capacity();

    /** {@return the number of tokens that were appended and not taken back} */
    int length();

    /**
     * How many of its last tokens a cache keeps when more are appended.
     *
     * @return the number; any number unless it forgets the oldest
     */
    default int kept() {
        return Integer.MAX_VALUE;
    }

    /**
     * Where the sequence ends. What is computed for its next tokens begins with this: the position is {@link CacheEnd#length}.
     *
     * @return its length, and a mark of the tokens before it
     * @throws KvCacheException if the cache is closed
     */
    CacheEnd end();

    /**
     * Adds tokens behind the last one. Gradients do not pass through a cache.
     *
     * @param end the end that the rows were computed for, read from {@link #end} or from an earlier call before anything was computed
     * @param parts one FLOAT32 tensor [tokens, width] for every part of the layout, in its order, all with as many rows
     * @return the end behind them
     * @throws KvCacheException if the cache does not end there any more ({@link KvCacheException.Reason#LENGTH}, or
     *     {@link KvCacheException.Reason#STALE} where it is as long but holds other tokens), the end is that of another cache
     *     ({@link KvCacheException.Reason#FOREIGN_END}), the rows do not fit, or it is closed
     * @throws ShapeException if the tensors do not match the layout
     */
    CacheEnd append(CacheEnd end, List<Tensor> parts);

    /**
     * Rows as {@link #rows} will show them once they are appended: rounded as they are stored. A pass that attends to its own rows, or
     * pools them, before it appends them takes these; with others its result would depend on how a sequence is divided into passes.
     * Changes nothing.
     *
     * @param parts one FLOAT32 tensor [tokens, width] for every part that has a row for each token, in the order of the layout, or for
     *     some of the first that share no plane with others; what is appended afterwards are these, unrounded
     * @return as many tensors of the same shapes; the very same where a format rounds nothing
     * @throws KvCacheException if the cache is closed
     * @throws ShapeException if the tensors do not match the layout
     */
    List<Tensor> asStored(List<Tensor> parts);

    /**
     * Forgets every token from a length on: how speculative decoding takes back what was rejected.
     *
     * @param length tokens to keep, 0…{@link #length}
     * @throws KvCacheException if the cache holds fewer, has forgotten what such a length would need, or is closed
     */
    void truncate(int length);

    /**
     * Whether {@link #truncate} would be accepted: a sliding cache may have forgotten what a shorter length would need.
     *
     * @param length tokens to keep
     * @return whether it can go back to that length
     * @throws KvCacheException if the cache is closed
     */
    default boolean canTruncateTo(int length) {
        return length >= 0
                && length <= ClosedCache.during("canTruncateTo", "the cache of rows " + layout(), this::length);
    }

    /**
     * Looks at rows where they lie; nothing is copied.
     *
     * @param parts names of the parts wanted, in the order wanted; none for all
     * @return the rows as they are now
     * @throws KvCacheException if the layout has no such part, or the cache is closed
     */
    CacheRows rows(String... parts);

    /**
     * Looks at the rows that a sequence held when it ended there, and at none that were appended since. A pass reads what it has left
     * behind so, whoever else may use the handle.
     *
     * @param end the end, from {@link #end} or {@link #append}
     * @param parts names of the parts wanted, in the order wanted; none for all
     * @return the rows as they were then
     * @throws KvCacheException if some were forgotten since ({@link KvCacheException.Reason#STALE}), the end is that of another cache,
     *     the layout has no such part, or the cache is closed
     */
    CacheRows rows(CacheEnd end, String... parts);

    /**
     * One part of all rows, as they are now: later calls do not change the tensor.
     *
     * @param part name of the part
     * @param backend where the tensor shall live
     * @return FLOAT32 [rows, width]
     * @throws KvCacheException if the layout has no such part, or the cache is closed
     */
    default Tensor view(String part, Backend backend) {
        return ClosedCache.during("view", "the cache of rows " + layout(), () -> rows(part))
                .tensor(backend);
    }

    /** {@return the memory it owns; nothing once closed} */
    CacheMemory memory();

    /** Releases the memory. */
    @Override
    void close();
}
