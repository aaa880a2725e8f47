package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;

/** The pages of one plane, one behind the other in one segment. */
final class PlaneMemory {
    /** Bytes of a cache line at most. */
    private static final int LINE = 64;

    private final RowStorage.Plane plane;
    private final int pageRows;
    private final MemorySegment memory;
    private final RowCodec codec;
    private final boolean dense;
    private final int rowBytes;
    private final int scaleBytes;
    private final long pageBytes;

    PlaneMemory(RowStorage.Plane plane, int pageRows, MemorySegment memory, RowCodec codec) {
        this.plane = plane;
        this.pageRows = pageRows;
        this.memory = memory;
        this.codec = codec;
        this.dense = isDense(plane.format());
        this.rowBytes = plane.format().rowBytes();
        this.scaleBytes = plane.format().scaleBytes();
        this.pageBytes = plane.format().pageBytes(pageRows);
    }

    RowStorage.Plane plane() {
        return plane;
    }

    int pageRows() {
        return pageRows;
    }

    MemorySegment memory() {
        return memory;
    }

    RowCodec codec() {
        return codec;
    }

    /** The bytes that so many slots take: whole pages, unless no scales lie behind them. */
    static long bytes(RowFormat format, long slots, int pageRows) {
        if (isDense(format)) {
            return Math.multiplyExact(slots, format.rowBytes());
        }
        return Math.multiplyExact((slots + pageRows - 1) / pageRows, format.pageBytes(pageRows));
    }

    private static boolean isDense(RowFormat format) {
        return format.scaleBytes() == 0 && format.pageAlignment() == 1;
    }

    long rowOffset(long slot) {
        return dense ? slot * rowBytes : slot / pageRows * pageBytes + slot % pageRows * rowBytes;
    }

    /** Nothing that may be used where the format has no scales behind its rows. */
    long scaleOffset(long slot) {
        return scaleBytes == 0
                ? 0
                : slot / pageRows * pageBytes + (long) pageRows * rowBytes + slot % pageRows * scaleBytes;
    }

    /** Writes columns of rows; parts that {@linkplain RowCodec#mayCut may be cut} are written one by one. */
    void encode(float[] source, int from, int stride, int column, int width, long[] slots, int count) {
        long[] rows = new long[count];
        long[] scales = new long[count];
        resolve(slots, count, rows, scales);
        codec.encode(source, from, stride, column, width, memory, rows, scales, count);
    }

    private void resolve(long[] slots, int count, long[] rows, long[] scales) {
        for (int r = 0; r < count; r++) {
            rows[r] = rowOffset(slots[r]);
            scales[r] = scaleOffset(slots[r]);
        }
    }

    /** Whether every part of a row may be written alone. */
    boolean takesParts() {
        int column = 0;
        for (RowLayout.Part part : plane.parts()) {
            if (!RowCodec.mayCut(plane.format(), column)) {
                return false;
            }
            column += part.width();
        }
        return true;
    }

    /** Reads rows into every {@code stride} numbers. */
    void decode(long[] slots, int count, float[] out, int at, int stride) {
        long[] rows = new long[count];
        long[] scales = new long[count];
        resolve(slots, count, rows, scales);
        if (count > 0) {
            // Stored, or the compiler would drop the loads; what is decoded overwrites it.
            out[at] = touched(rows, count);
        }
        codec.decode(memory, rows, scales, count, out, at, stride);
    }

    /** Reads a byte of every cache line of some rows: here misses overlap, where in decoding each would wait for its numbers' arithmetic. */
    private int touched(long[] rows, int count) {
        int sum = 0;
        for (int line = 0; line < rowBytes; line += LINE) {
            for (int r = 0; r < count; r++) {
                sum += memory.get(LittleEndian.BYTE, rows[r] + line);
            }
        }
        for (int r = 0; r < count; r++) {
            sum += memory.get(LittleEndian.BYTE, rows[r] + rowBytes - 1);
        }
        return sum;
    }

    void copyPage(int from, int to) {
        MemorySegment.copy(memory, from * pageBytes, memory, to * pageBytes, pageBytes);
    }
}
