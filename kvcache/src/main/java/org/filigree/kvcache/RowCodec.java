package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;

/** Writes and reads rows of one format. Every codec of a format writes the same bytes and reads the same numbers. */
interface RowCodec {
    /**
     * Writes columns of rows, wherever these lie: all of them, or such as do not cut a tile.
     *
     * @param source holds the numbers
     * @param from index of the first
     * @param stride from a row in {@code source} to the next
     * @param column the first column
     * @param width how many columns
     * @param memory where to
     * @param rows bytes at which rows' data begin
     * @param scales bytes at which their scales begin, where the format has them behind the rows
     * @param count how many rows
     */
    void encode(
            float[] source,
            int from,
            int stride,
            int column,
            int width,
            MemorySegment memory,
            long[] rows,
            long[] scales,
            int count);

    /**
     * Reads rows, wherever they lie: many at a time, since a call takes longer than the numbers of half a row.
     *
     * @param memory where from
     * @param rows bytes at which rows' data begin
     * @param scales bytes at which their scales begin, where the format has them behind the rows
     * @param count how many rows
     * @param out receives the numbers
     * @param at index of the first
     * @param stride from a row in {@code out} to the next
     */
    void decode(MemorySegment memory, long[] rows, long[] scales, int count, float[] out, int at, int stride);

    /** Whether a row may be written in two halves, before and from a column on. */
    static boolean mayCut(RowFormat format, int column) {
        return !(format instanceof TiledRows tiled) || column >= tiled.coded() || column % tiled.tile() == 0;
    }

    /** The fastest codec that this JVM can run. */
    static RowCodec of(RowFormat format) {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() && VectorRowCodec.suits(format)) {
            return new VectorRowCodec(format);
        }
        return new NaiveRowCodec(format);
    }
}
