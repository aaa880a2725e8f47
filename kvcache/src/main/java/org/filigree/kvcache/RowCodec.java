package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;

/** Writes and reads single rows of one format. Every codec of a format writes the same bytes and reads the same numbers. */
interface RowCodec {
    /**
     * Writes a row.
     *
     * @param source holds the numbers
     * @param from index of the first
     * @param memory where to
     * @param row byte at which the row's data begins
     * @param scales byte at which the row's scales begin, where the format has them behind the rows
     */
    void encode(float[] source, int from, MemorySegment memory, long row, long scales);

    /**
     * Reads a row.
     *
     * @param memory where from
     * @param row byte at which the row's data begins
     * @param scales byte at which the row's scales begin, where the format has them behind the rows
     * @param out receives the numbers
     * @param at index of the first
     */
    void decode(MemorySegment memory, long row, long scales, float[] out, int at);

    /** The fastest codec that this JVM can run. */
    static RowCodec of(RowFormat format) {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() && VectorRowCodec.suits(format)) {
            return new VectorRowCodec(format);
        }
        return new NaiveRowCodec(format);
    }
}
