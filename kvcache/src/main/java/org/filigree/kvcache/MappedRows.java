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

    /** Rows that are looked up before they are widened. */
    private static final int RUN = 64;

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
        long[] run = new long[Math.min(RUN, rows)];
        for (int r = 0; r < rows; r += RUN) {
            int some = Math.min(RUN, rows - r);
            for (int i = 0; i < some; i++) {
                run[i] = slots.of(first + r + i);
            }
            widen(run, some, out, at + r * width);
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
        long[] run = new long[Math.min(RUN, chosen)];
        int done = 0;
        while (done < chosen) {
            int some = slots(rows, from, done, Math.min(RUN, chosen - done), run);
            widen(run, some, out, at + done * width);
            done += some;
            if (done < chosen && rows[from + done] == -1) {
                Arrays.fill(out, at + done * width, at + (done + 1) * width, 0);
                done++;
            }
        }
        requireCurrent();
    }

    /** The slots of chosen rows up to the first −1: how many. */
    private int slots(int[] rows, int from, int done, int most, long[] run) {
        for (int i = 0; i < most; i++) {
            int row = rows[from + done + i];
            if (row == -1) {
                return i;
            }
            if (row < 0 || row >= count) {
                throw noRow(row, done + i);
            }
            run[i] = slots.of(row);
        }
        return most;
    }

    private void widen(long[] run, int rows, float[] out, int at) {
        try {
            for (Column column : columns) {
                if (column.isWhole()) {
                    column.plane.decode(run, rows, out, at + column.at, width);
                } else {
                    int wide = column.plane.plane().format().width();
                    float[] whole = new float[rows * wide];
                    column.plane.decode(run, rows, whole, 0, wide);
                    for (int r = 0; r < rows; r++) {
                        System.arraycopy(whole, r * wide + column.from, out, at + r * width + column.at, column.width);
                    }
                }
            }
        } catch (IllegalStateException freed) {
            requireCurrent();
            throw freed;
        }
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
                        + " overwritten, copied on write or closed; ask for the rows again");
    }

    @Override
    public String toString() {
        return "CacheRows{" + count + " rows " + layout + " from token " + firstToken
                + (edition.holds(number) ? "" : ", out of date") + "}";
    }
}
