package org.filigree.core.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * A tensor's bytes, produced piece by piece as a writer asks for them, so that a tensor larger than the heap can be
 * written.
 *
 * <p>The pieces come in order, cover the tensor once, and start at multiples of 2<sup>20</sup> bytes.
 */
@FunctionalInterface
public interface TensorContent {
    /**
     * Fills one piece.
     *
     * @param offset place of the piece's first byte in the tensor
     * @param piece  receives the little-endian bytes, all of it
     * @throws IOException if they cannot be had
     */
    void fill(long offset, MemorySegment piece) throws IOException;

    /**
     * The bytes of a segment.
     *
     * @param data little-endian elements
     * @return content that copies from it
     */
    static TensorContent of(MemorySegment data) {
        return (offset, piece) -> MemorySegment.copy(data, offset, piece, 0, piece.byteSize());
    }

    /**
     * Floats, narrowed on the way out.
     *
     * @param type   a floating-point type
     * @param values read when the content is written
     * @return content that narrows them
     */
    static TensorContent ofFloats(StoredType type, float[] values) {
        return (offset, piece) -> {
            int first = Math.toIntExact(offset * Byte.SIZE / type.bits());
            int count = Math.toIntExact(piece.byteSize() * Byte.SIZE / type.bits());
            type.fromFloats(values, first, piece, 0, count);
        };
    }
}
