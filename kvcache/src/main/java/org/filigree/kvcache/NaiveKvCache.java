package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * The contract in its plainest form, a list of rows, each rounded as its formats round: what every other cache is tested against. Rows
 * before the oldest are counted but not shown. For one thread.
 */
final class NaiveKvCache implements KvCache {
    private final RowStorage storage;
    private final RowLayout layout;
    private final SlidingWindow window;
    private final int capacity;
    /** Every token's numbers. */
    private final List<float[]> rows = new ArrayList<>();

    /** The oldest token shown wherever the sequence has ended so far. */
    private final Map<CacheEnd, Integer> oldestAt = new HashMap<>();

    private CacheEnd end = CacheEnd.start();
    private int oldest;
    private boolean closed;

    NaiveKvCache(RowStorage storage, SlidingWindow window, int capacity) {
        this.storage = storage;
        this.layout = storage.layout();
        this.window = window;
        this.capacity = capacity;
    }

    /** One that forgets nothing. */
    static NaiveKvCache of(RowStorage storage, int capacity) {
        return new NaiveKvCache(storage, new SlidingWindow(capacity, 0), capacity);
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
    public CacheEnd end() {
        requireOpen("end");
        return end;
    }

    @Override
    public CacheEnd append(CacheEnd expected, List<Tensor> parts) {
        requireOpen("append");
        expected.requireAppendable(end);
        int added = AppendCheck.rows(layout, rows.size(), capacity, parts);
        for (int r = 0; r < added; r++) {
            rows.add(rounded(row(parts, r)));
        }
        oldest = window.oldest(oldest, rows.size());
        end = end.grown(added);
        oldestAt.put(end, oldest);
        return end;
    }

    @Override
    public List<Tensor> asStored(List<Tensor> parts) {
        requireOpen("asStored");
        var stored = new ArrayList<Tensor>();
        List<RowLayout.Part> first = layout.parts().subList(0, parts.size());
        int added = AppendCheck.shapes("asStored", new RowLayout(first), parts);
        for (RowLayout.Part part : first) {
            float[] values = new float[added * part.width()];
            for (int r = 0; r < added; r++) {
                float[] row = columns(rounded(row(parts, r)), RowLayout.of(part.name(), part.width()));
                System.arraycopy(row, 0, values, r * part.width(), part.width());
            }
            Backend backend = Backend.of(parts.getFirst());
            stored.add(backend.tensors().floats(Shape.of(added, part.width()), values));
        }
        return stored;
    }

    private float[] row(List<Tensor> parts, int r) {
        float[] row = new float[layout.width()];
        int at = 0;
        for (int i = 0; i < parts.size(); i++) {
            int width = layout.parts().get(i).width();
            System.arraycopy(parts.get(i).toFloats(), r * width, row, at, width);
            at += width;
        }
        return row;
    }

    private float[] rounded(float[] row) {
        int at = 0;
        for (RowStorage.Plane plane : storage.planes()) {
            RowFormat format = plane.format();
            MemorySegment page = MemorySegment.ofArray(new byte[format.bytesPerRow()]);
            RowCodec codec = new NaiveRowCodec(format);
            long[] rows = {0};
            long[] scales = {format.rowBytes()};
            codec.encode(row, at, 0, 0, format.width(), page, rows, scales, 1);
            codec.decode(page, rows, scales, 1, row, at, format.width());
            at += format.width();
        }
        return row;
    }

    @Override
    public void truncate(int length) {
        requireOpen("truncate");
        AppendCheck.length(length, rows.size());
        window.requireWhole(oldest, length);
        end = length < rows.size() ? end.shortened(length) : end;
        rows.subList(length, rows.size()).clear();
        oldest = Math.min(oldest, length);
        oldestAt.put(end, oldest);
    }

    @Override
    public CacheRows rows(String... parts) {
        return rows(end, parts);
    }

    @Override
    public CacheRows rows(CacheEnd wanted, String... parts) {
        requireOpen("rows");
        wanted.requireHeld(end);
        if (oldestAt.getOrDefault(wanted, oldest) != oldest) {
            throw new KvCacheException(KvCacheException.Reason.STALE, "rows: tokens before " + oldest + " are gone");
        }
        RowLayout chosen = MappedRows.layout(layout, parts);
        return new Snapshot(
                chosen,
                oldest,
                rows.subList(oldest, wanted.length()).stream()
                        .map(row -> columns(row, chosen))
                        .toList());
    }

    private float[] columns(float[] row, RowLayout wanted) {
        float[] chosen = new float[wanted.width()];
        int to = 0;
        for (RowLayout.Part part : wanted.parts()) {
            int from = 0;
            for (RowLayout.Part before : layout.parts().subList(0, layout.index(part.name()))) {
                from += before.width();
            }
            System.arraycopy(row, from, chosen, to, part.width());
            to += part.width();
        }
        return chosen;
    }

    /** Rows that nothing changes any more. */
    private record Snapshot(RowLayout layout, int firstToken, List<float[]> values) implements CacheRows {
        @Override
        public int count() {
            return values.size();
        }

        @Override
        public int tokensPerRow() {
            return 1;
        }

        @Override
        public void read(int first, int count, float[] out, int at) {
            Objects.checkFromIndexSize(first, count, values.size());
            for (int r = 0; r < count; r++) {
                System.arraycopy(values.get(first + r), 0, out, at + r * width(), width());
            }
        }

        @Override
        public void gather(int[] rows, int from, int count, float[] out, int at) {
            for (int i = 0; i < count; i++) {
                int to = at + i * width();
                if (rows[from + i] == -1) {
                    Arrays.fill(out, to, to + width(), 0);
                } else {
                    read(rows[from + i], 1, out, to);
                }
            }
        }

        @Override
        public List<StoredRows> stored() {
            return List.of();
        }
    }

    @Override
    public CacheMemory memory() {
        if (closed) {
            return CacheMemory.NONE;
        }
        long bytes = (long) storage.bytesPerRow() * (rows.size() - oldest);
        return new CacheMemory(bytes, bytes);
    }

    @Override
    public void close() {
        closed = true;
        rows.clear();
    }

    private void requireOpen(String operation) {
        if (closed) {
            throw ClosedCache.refusal(operation, "the cache of rows " + layout);
        }
    }
}
