package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;

/**
 * The pages of one plane, one behind the other in one segment.
 *
 * @param plane which parts, in which format
 * @param pageRows rows in a page
 * @param memory the pages
 * @param codec of the plane's format
 */
record PlaneMemory(RowStorage.Plane plane, int pageRows, MemorySegment memory, RowCodec codec) {
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
        RowFormat format = plane.format();
        if (isDense(format)) {
            return slot * format.rowBytes();
        }
        return slot / pageRows * format.pageBytes(pageRows) + slot % pageRows * format.rowBytes();
    }

    long scaleOffset(long slot) {
        RowFormat format = plane.format();
        return slot / pageRows * format.pageBytes(pageRows)
                + (long) pageRows * format.rowBytes()
                + slot % pageRows * format.scaleBytes();
    }

    void encode(float[] source, int from, long slot) {
        codec.encode(source, from, memory, rowOffset(slot), scaleOffset(slot));
    }

    void decode(long slot, float[] out, int at) {
        codec.decode(memory, rowOffset(slot), scaleOffset(slot), out, at);
    }

    void copyPage(int from, int to) {
        long bytes = plane.format().pageBytes(pageRows);
        MemorySegment.copy(memory, from * bytes, memory, to * bytes, bytes);
    }
}
