package org.filigree.kvcache;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * The rows that one sequence has left in one layer, one row a token, append-only but for {@link #truncate}. The number of rows is
 * also the position of the next token. A batch has one cache for each of its sequences, so sequences of different length stand
 * side by side without padding.
 *
 * <p>A cache owns memory until it is closed. Closing twice is harmless; any other call after closing throws a
 * {@link KvCacheException}. A call that throws leaves the cache as it was. Implementations say whether threads may share a handle.
 */
public interface KvCache extends AutoCloseable {
    /** {@return what a row consists of} */
    RowLayout layout();

    /** {@return the largest number of rows it can hold} */
    int capacity();

    /** {@return the number of rows it holds} */
    int length();

    /**
     * Adds rows behind the last one. Gradients do not pass through a cache.
     *
     * @param parts one FLOAT32 tensor [rows, width] for every part of the layout, in its order, all with as many rows
     * @throws KvCacheException if the rows do not fit, or the cache is closed
     * @throws ShapeException if the tensors do not match the layout
     */
    void append(List<Tensor> parts);

    /**
     * Forgets every row from a length on: how speculative decoding takes back what was rejected.
     *
     * @param length rows to keep, 0…{@link #length}
     * @throws KvCacheException if the cache holds fewer rows, or is closed
     */
    void truncate(int length);

    /**
     * One part of all rows, as they are now: later calls do not change the tensor.
     *
     * @param part name of the part
     * @param backend where the tensor shall live
     * @return FLOAT32 [length, width]
     * @throws KvCacheException if the layout has no such part, or the cache is closed
     */
    Tensor view(String part, Backend backend);

    /** {@return the memory it owns; nothing once closed} */
    CacheMemory memory();

    /** Releases the memory. */
    @Override
    void close();
}
