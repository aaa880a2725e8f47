package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows that lie in the pages of a {@link RowMemory}. */
final class MappedRows implements CacheRows {
    /** A run of parts that one plane holds, and where it goes in a row that was read. */
    private record Column(PlaneMemory plane, int from, int width, int at) {
        boolean isWhole() {
            return width == plane.plane().format().width();
        }
    }

    private final RowLayout layout;
    private final int width;
    private final List<Column> columns;
    private final Slots slots;
    private final int count;
    private final int firstToken;
    private final Edition edition;
    private final int number;

    MappedRows(RowMemory memory, Slots slots, int count, Edition edition, String... parts) {
        this.columns = columns(memory, parts);
        this.layout = layout(memory.storage().layout(), parts);
        this.width = layout.width();
        this.slots = slots;
        this.count = count;
        this.firstToken = slots.first();
        this.edition = edition;
        this.number = edition.number();
    }

    static RowLayout layout(RowLayout rows, String... parts) {
        if (parts.length == 0) {
            return rows;
        }
        return new RowLayout(Arrays.stream(parts)
                .map(part -> rows.parts().get(rows.index(part)))
                .toList());
    }

    private static List<Column> columns(RowMemory memory, String... parts) {
        RowLayout wanted = layout(memory.storage().layout(), parts);
        var columns = new ArrayList<Column>();
        int at = 0;
        for (RowLayout.Part part : wanted.parts()) {
            Column column = column(memory, part, at);
            Column last = columns.isEmpty() ? null : columns.getLast();
            if (last != null && last.plane.equals(column.plane) && last.from + last.width == column.from) {
                columns.set(columns.size() - 1, new Column(last.plane, last.from, last.width + column.width, last.at));
            } else {
                columns.add(column);
            }
            at += part.width();
        }
        return List.copyOf(columns);
    }

    private static Column column(RowMemory memory, RowLayout.Part wanted, int at) {
        for (PlaneMemory plane : memory.planes()) {
            int from = 0;
            for (RowLayout.Part part : plane.plane().parts()) {
                if (part.equals(wanted)) {
                    return new Column(plane, from, part.width(), at);
                }
                from += part.width();
            }
        }
        throw new AssertionError(wanted + " is in the layout but in no plane");
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public int firstToken() {
        return firstToken;
    }

    @Override
    public int tokensPerRow() {
        return 1;
    }

    @Override
    public RowLayout layout() {
        return layout;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public void read(int first, int rows, float[] out, int at) {
        if (first < 0 || rows < 0 || rows > count - first) {
            throw new IndexOutOfBoundsException("read: rows " + first + "…" + ((long) first + rows)
                    + " are not among the " + count + " rows of this view");
        }
        requireRoom("read", rows, out, at);
        try {
            for (Column column : columns) {
                if (column.isWhole()) {
                    for (int r = 0; r < rows; r++) {
                        column.plane.decode(slots.of(first + r), out, at + r * width + column.at);
                    }
                } else {
                    float[] row = new float[column.plane.plane().format().width()];
                    for (int r = 0; r < rows; r++) {
                        column.plane.decode(slots.of(first + r), row, 0);
                        System.arraycopy(row, column.from, out, at + r * width + column.at, column.width);
                    }
                }
            }
        } catch (IllegalStateException freed) {
            requireCurrent();
            throw freed;
        }
        requireCurrent();
    }

    @Override
    public void gather(int[] rows, int from, int chosen, float[] out, int at) {
        if (from < 0 || chosen < 0 || chosen > rows.length - from) {
            throw new IndexOutOfBoundsException("gather: " + chosen + " row numbers from index " + from
                    + " on are not among the " + rows.length + " given");
        }
        requireRoom("gather", chosen, out, at);
        try {
            for (Column column : columns) {
                float[] row = column.isWhole()
                        ? out
                        : new float[column.plane.plane().format().width()];
                for (int i = 0; i < chosen; i++) {
                    int to = at + i * width + column.at;
                    if (rows[from + i] == -1) {
                        Arrays.fill(out, to, to + column.width, 0);
                        continue;
                    }
                    if (rows[from + i] < 0 || rows[from + i] >= count) {
                        throw noRow(rows[from + i], i);
                    }
                    long slot = slots.of(rows[from + i]);
                    if (column.isWhole()) {
                        column.plane.decode(slot, out, to);
                    } else {
                        column.plane.decode(slot, row, 0);
                        System.arraycopy(row, column.from, out, to, column.width);
                    }
                }
            }
        } catch (IllegalStateException freed) {
            requireCurrent();
            throw freed;
        }
        requireCurrent();
    }

    private IndexOutOfBoundsException noRow(int row, int chosen) {
        return new IndexOutOfBoundsException("gather: row " + row + ", number " + chosen
                + " of those chosen, is neither -1 nor among the " + count + " rows of this view");
    }

    private void requireRoom(String operation, int rows, float[] out, int at) {
        if (at < 0 || (long) rows * width > out.length - at) {
            throw new IndexOutOfBoundsException(operation + ": " + rows + " rows of " + width + " numbers from index "
                    + at + " on do not fit into an array of " + out.length);
        }
    }

    @Override
    public List<StoredRows> stored() {
        return columns.stream()
                .map(column -> column.plane)
                .distinct()
                .map(plane -> new StoredRows(plane, slots, count, edition, number))
                .toList();
    }

    private void requireCurrent() {
        if (!edition.holds(number)) {
            throw stale(count);
        }
    }

    static KvCacheException stale(int count) {
        return new KvCacheException(
                KvCacheException.Reason.STALE,
                "kv cache: a view of " + count + " rows is out of date: since it was made the cache was truncated,"
                        + " overwritten or closed; ask for the rows again");
    }

    @Override
    public String toString() {
        return "CacheRows{" + count + " rows " + layout + " from token " + firstToken
                + (edition.holds(number) ? "" : ", out of date") + "}";
    }
}
