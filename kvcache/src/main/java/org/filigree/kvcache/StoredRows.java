package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The bytes of one plane, for kernels that compute on what is stored: page tables are resolved, a row is an offset into one segment. Read
 * first, then {@link #requireCurrent}: what was read while another thread changed the cache is refused then.
 */
public final class StoredRows {
    private final PlaneMemory plane;
    private final MemorySegment memory;
    private final Slots slots;
    private final int count;
    private final Edition edition;
    private final int number;

    StoredRows(PlaneMemory plane, Slots slots, int count, Edition edition, int number) {
        this.plane = plane;
        this.memory = plane.memory().asReadOnly();
        this.slots = slots;
        this.count = count;
        this.edition = edition;
        this.number = number;
    }

    /** {@return the number of rows} */
    public int count() {
        return count;
    }

    /** {@return how a row is stored} */
    public RowFormat format() {
        return plane.plane().format();
    }

    /** {@return the parts that a stored row consists of, whether asked for or not} */
    public List<RowLayout.Part> parts() {
        return plane.plane().parts();
    }

    /** {@return the memory of all pages, read-only} */
    public MemorySegment memory() {
        return memory;
    }

    /**
     * Where a row's data begin.
     *
     * @param row number of the row, from 0
     * @return byte in {@link #memory}
     */
    public long offset(int row) {
        return plane.rowOffset(slots.of(checked(row)));
    }

    /**
     * Where a row's scales begin, if the format has them behind the rows of a page.
     *
     * @param row number of the row, from 0
     * @return byte in {@link #memory}
     */
    public long scaleOffset(int row) {
        return plane.scaleOffset(slots.of(checked(row)));
    }

    /**
     * How far rows lie one behind the other, at distances of {@link RowFormat#rowBytes} and {@link RowFormat#scaleBytes}.
     *
     * @param row number of the first row, from 0
     * @return rows of the run, at least 1
     */
    public int adjoining(int row) {
        long slot = slots.of(checked(row));
        int inPage = (int) (plane.pageRows() - slot % plane.pageRows());
        return Math.min(inPage, slots.adjoining(row, count - row));
    }

    private int checked(int row) {
        if (row < 0 || row >= count) {
            throw noRow(row);
        }
        return row;
    }

    private IndexOutOfBoundsException noRow(int row) {
        return new IndexOutOfBoundsException(
                "stored rows: row " + row + " is not among the " + count + " rows of this view");
    }

    /** Copies some of {@link #memory} behind what a buffer holds; refused where the cache was closed meanwhile. */
    void copy(long offset, int bytes, ByteBuffer to) {
        try {
            MemorySegment.copy(memory, offset, MemorySegment.ofBuffer(to), 0, bytes);
        } catch (IllegalStateException freed) {
            requireCurrent();
            throw freed;
        }
        to.position(to.position() + bytes);
    }

    /**
     * To be called after reading.
     *
     * @throws KvCacheException if the rows are no longer there
     */
    public void requireCurrent() {
        if (!edition.holds(number)) {
            throw MappedRows.stale(count);
        }
    }

    @Override
    public String toString() {
        return "StoredRows{" + count + " rows " + new RowLayout(parts()) + ", " + format().bytesPerRow() + " bytes each"
                + (edition.holds(number) ? "" : ", out of date") + "}";
    }
}
