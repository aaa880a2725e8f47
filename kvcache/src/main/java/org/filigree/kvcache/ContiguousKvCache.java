package org.filigree.kvcache;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Rows as float32 in one block of memory for each part, reserved in full outside the heap when the cache is made. The capacity is
 * fixed: a decoder knows its longest sequence, and growing would copy at an unpredictable step. Threads may share a handle; calls
 * wait for each other.
 */
public final class ContiguousKvCache implements KvCache {
    private final RowLayout layout;
    private final int capacity;
    private final Arena arena;
    private final List<MemorySegment> blocks;
    private int length;
    private boolean closed;

    /**
     * An empty cache.
     *
     * @param layout what a row consists of
     * @param capacity largest number of rows
     * @throws KvCacheException if the memory cannot be had
     */
    public ContiguousKvCache(RowLayout layout, int capacity) {
        Check.positive("contiguous kv cache: capacity", capacity);
        this.layout = layout;
        this.capacity = capacity;
        this.arena = Arena.ofShared();
        this.blocks = reserve(arena, layout, capacity);
    }

    private static List<MemorySegment> reserve(Arena arena, RowLayout layout, int capacity) {
        var reserved = new ArrayList<MemorySegment>();
        try {
            for (RowLayout.Part part : layout.parts()) {
                reserved.add(arena.allocate(ValueLayout.JAVA_FLOAT, (long) part.width() * capacity));
            }
        } catch (OutOfMemoryError none) {
            arena.close();
            throw new KvCacheException(
                    KvCacheException.Reason.EXHAUSTED,
                    "kv cache: " + capacity + " rows " + layout + " need "
                            + (long) layout.width() * capacity * Float.BYTES
                            + " bytes outside the heap, more than can be had; lower the capacity or raise"
                            + " -XX:MaxDirectMemorySize",
                    none);
        }
        return List.copyOf(reserved);
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
        return length;
    }

    @Override
    public synchronized void append(List<Tensor> parts) {
        requireOpen("append");
        int rows = AppendCheck.rows(layout, length, capacity, parts);
        for (int i = 0; i < parts.size(); i++) {
            float[] values = parts.get(i).toFloats();
            long offset = (long) length * layout.parts().get(i).width() * Float.BYTES;
            MemorySegment.copy(values, 0, blocks.get(i), ValueLayout.JAVA_FLOAT, offset, values.length);
        }
        length += rows;
    }

    @Override
    public synchronized void truncate(int kept) {
        requireOpen("truncate");
        AppendCheck.length(kept, length);
        length = kept;
    }

    @Override
    public synchronized Tensor view(String part, Backend backend) {
        requireOpen("view");
        int index = layout.index(part);
        int width = layout.parts().get(index).width();
        float[] values = new float[Math.multiplyExact(length, width)];
        MemorySegment.copy(blocks.get(index), ValueLayout.JAVA_FLOAT, 0, values, 0, values.length);
        return backend.tensors().floats(Shape.of(length, width), values);
    }

    @Override
    public synchronized CacheMemory memory() {
        if (closed) {
            return CacheMemory.NONE;
        }
        long row = (long) layout.width() * Float.BYTES;
        return new CacheMemory(row * capacity, row * length);
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }

    private void requireOpen(String operation) {
        if (closed) {
            throw AppendCheck.closed(operation);
        }
    }

    @Override
    public synchronized String toString() {
        return "ContiguousKvCache{" + (closed ? "closed" : length + " of " + capacity + " rows") + " " + layout + "}";
    }
}
