package org.filigree.kvcache;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Some parts of all rows that a cache holds, side by side, read in place: making it copies nothing. Row 0 belongs to the first token that
 * the cache still holds.
 *
 * <p>It stands for the rows as they were when it was made. Rows appended later do not show. Once the cache has forgotten or overwritten a
 * row, or was closed, every read throws a {@link KvCacheException} with {@link KvCacheException.Reason#STALE}; a read that such a change
 * overtakes on another thread throws too. Any number of threads may read.
 *
 * <p>For kernels: rows come a tile at a time into an array of the caller's, {@link #gather} for chosen keys and {@link #read} for
 * adjoining ones, already widened; a tile of 64 rows stays in the second-level cache. A kernel that computes on stored bytes finds them
 * through {@link #stored}.
 */
public interface CacheRows {
    /** {@return the number of rows} */
    int count();

    /** {@return position of the first token that row 0 belongs to} */
    int firstToken();

    /** {@return how many tokens a row stands for: 1, or the ratio of a compressed cache} */
    int tokensPerRow();

    /** {@return the parts, in the order in which they lie in a row that was read} */
    RowLayout layout();

    /** {@return numbers in a row} */
    default int width() {
        return layout().width();
    }

    /**
     * Widens adjoining rows.
     *
     * @param first the first row, from 0
     * @param count how many
     * @param out receives [count, width]
     * @param at index of the first number in {@code out}
     * @throws IndexOutOfBoundsException if there are no such rows or they do not fit
     * @throws KvCacheException if the rows are no longer there
     */
    void read(int first, int count, float[] out, int at);

    /**
     * Widens chosen rows.
     *
     * @param rows numbers of rows, from 0; −1 gives a row of zeros
     * @param from index of the first row number to use
     * @param count how many
     * @param out receives [count, width]
     * @param at index of the first number in {@code out}
     * @throws IndexOutOfBoundsException if there is no such row or they do not fit
     * @throws KvCacheException if the rows are no longer there
     */
    void gather(int[] rows, int from, int count, float[] out, int at);

    /** {@return the planes that hold these parts, to be read byte by byte; empty if rows do not lie in memory segments} */
    List<StoredRows> stored();

    /**
     * All rows as a tensor, which later calls do not change.
     *
     * @param backend where the tensor shall live
     * @return FLOAT32 [count, width]
     * @throws KvCacheException if the rows are no longer there
     */
    default Tensor tensor(Backend backend) {
        float[] values = new float[Math.multiplyExact(count(), width())];
        read(0, count(), values, 0);
        return backend.tensors().floats(Shape.of(count(), width()), values);
    }
}
