package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** The contract in its plainest form, a list of rows: what every other cache is tested against. For one thread. */
final class NaiveKvCache implements KvCache {
    private final RowLayout layout;
    private final int capacity;
    /** Row, then part, then channel. */
    private final List<float[][]> rows = new ArrayList<>();

    private boolean closed;

    NaiveKvCache(RowLayout layout, int capacity) {
        this.layout = layout;
        this.capacity = capacity;
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
    public int length() {
        requireOpen("length");
        return rows.size();
    }

    @Override
    public void append(List<Tensor> parts) {
        requireOpen("append");
        int added = AppendCheck.rows(layout, rows.size(), capacity, parts);
        for (int r = 0; r < added; r++) {
            float[][] row = new float[parts.size()][];
            for (int i = 0; i < row.length; i++) {
                int width = layout.parts().get(i).width();
                row[i] = Arrays.copyOfRange(parts.get(i).toFloats(), r * width, (r + 1) * width);
            }
            rows.add(row);
        }
    }

    @Override
    public void truncate(int length) {
        requireOpen("truncate");
        AppendCheck.length(length, rows.size());
        rows.subList(length, rows.size()).clear();
    }

    @Override
    public Tensor view(String part, Backend backend) {
        requireOpen("view");
        int index = layout.index(part);
        int width = layout.parts().get(index).width();
        float[] values = new float[rows.size() * width];
        for (int r = 0; r < rows.size(); r++) {
            System.arraycopy(rows.get(r)[index], 0, values, r * width, width);
        }
        return backend.tensors().floats(Shape.of(rows.size(), width), values);
    }

    @Override
    public CacheMemory memory() {
        if (closed) {
            return CacheMemory.NONE;
        }
        long row = (long) layout.width() * Float.BYTES;
        return new CacheMemory(row * rows.size(), row * rows.size());
    }

    @Override
    public void close() {
        closed = true;
        rows.clear();
    }

    private void requireOpen(String operation) {
        if (closed) {
            throw AppendCheck.closed(operation);
        }
    }
}
