package org.filigree.core.io;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * Weight matrices of released checkpoints that are stored in few bits with a scale per block, widened to float32: w =
 * code · scale of its block. V3 calls the scale tensor {@code weight_scale_inv}, though it multiplies.
 *
 * <p>Rows are widened as asked for, so a matrix larger than an array is no trouble.
 */
public final class BlockWeights {
    private static final int FP4_GROUP = 32;

    private BlockWeights() {}

    /**
     * Widens E4M3 weights with square blocks; blocks at the lower and right edge may be partial.
     *
     * @param weight [out, in], {@code F8_E4M3}
     * @param scale  [⌈out / block⌉, ⌈in / block⌉], {@code F32} or {@code F8_E8M0}
     * @param block  side of a block: 128 in V3 to V4, 32 in V4.1
     * @return out · in floats, row-major
     * @throws IllegalArgumentException if types or shapes disagree, or the matrix has more elements than an array holds
     */
    public static float[] fp8(StoredTensor weight, StoredTensor scale, int block) {
        checkRank(weight);
        float[] out = new float[arrayLength(weight, weight.elements())];
        fp8(weight, scale, block, 0, Math.toIntExact(weight.shape()[0]), out, 0);
        return out;
    }

    /**
     * Widens some rows of E4M3 weights with square blocks.
     *
     * @param weight   [out, in], {@code F8_E4M3}
     * @param scale    [⌈out / block⌉, ⌈in / block⌉], {@code F32} or {@code F8_E8M0}
     * @param block    side of a block
     * @param firstRow first row to widen
     * @param rows     how many
     * @param out      receives rows · in floats
     * @param at       index of the first of them
     * @throws IllegalArgumentException if types or shapes disagree
     * @throws IndexOutOfBoundsException if there are no such rows, or {@code out} is too short
     */
    public static void fp8(
            StoredTensor weight, StoredTensor scale, int block, long firstRow, int rows, float[] out, int at) {
        checkRank(weight);
        long height = weight.shape()[0];
        int width = Math.toIntExact(weight.shape()[1]);
        if (block <= 0) {
            throw new IllegalArgumentException("BlockWeights: block is " + block + " but must be positive");
        }
        checkType(weight, StoredType.F8_E4M3, StoredType.F8_E4M3);
        checkType(scale, StoredType.F32, StoredType.F8_E8M0);
        checkScale(weight, scale, Math.ceilDiv(height, block), Math.ceilDiv(width, block));
        checkRows(height, width, firstRow, rows, out, at);
        float[] scales = new float[Math.ceilDiv(width, block)];
        byte[] codes = new byte[width];
        for (int row = 0; row < rows; row++) {
            if (row == 0 || (firstRow + row) % block == 0) {
                scale.type().toFloats(scale.data(), (firstRow + row) / block * scales.length, scales, 0, scales.length);
            }
            copy(weight, (firstRow + row) * width, codes);
            int to = at + row * width;
            for (int b = 0; b < scales.length; b++) {
                float s = scales[b];
                int end = Math.min(width, (b + 1) * block);
                for (int i = b * block; i < end; i++) {
                    out[to + i] = Float8E4M3.toFloat(codes[i]) * s;
                }
            }
        }
    }

    /**
     * Widens packed E2M1 weights with a scale per row and 32 inputs.
     *
     * @param weight [out, in / 2], {@code I8} or {@code U8}, two codes a byte
     * @param scale  [out, in / 32], {@code F8_E8M0} or {@code F32}
     * @return out · in floats, row-major
     * @throws IllegalArgumentException if types or shapes disagree, or the matrix has more elements than an array holds
     */
    public static float[] fp4(StoredTensor weight, StoredTensor scale) {
        checkRank(weight);
        float[] out = new float[arrayLength(weight, 2 * weight.elements())];
        fp4(weight, scale, 0, Math.toIntExact(weight.shape()[0]), out, 0);
        return out;
    }

    /**
     * Widens some rows of packed E2M1 weights with a scale per row and 32 inputs.
     *
     * @param weight   [out, in / 2], {@code I8} or {@code U8}, two codes a byte
     * @param scale    [out, in / 32], {@code F8_E8M0} or {@code F32}
     * @param firstRow first row to widen
     * @param rows     how many
     * @param out      receives rows · in floats
     * @param at       index of the first of them
     * @throws IllegalArgumentException if types or shapes disagree
     * @throws IndexOutOfBoundsException if there are no such rows, or {@code out} is too short
     */
    public static void fp4(StoredTensor weight, StoredTensor scale, long firstRow, int rows, float[] out, int at) {
        checkRank(weight);
        long height = weight.shape()[0];
        int packedWidth = Math.toIntExact(weight.shape()[1]);
        int width = Math.multiplyExact(2, packedWidth);
        checkType(weight, StoredType.I8, StoredType.U8);
        checkType(scale, StoredType.F8_E8M0, StoredType.F32);
        checkScale(weight, scale, height, Math.ceilDiv(width, FP4_GROUP));
        checkRows(height, width, firstRow, rows, out, at);
        float[] scales = new float[Math.ceilDiv(width, FP4_GROUP)];
        byte[] packed = new byte[packedWidth];
        for (int row = 0; row < rows; row++) {
            scale.type().toFloats(scale.data(), (firstRow + row) * scales.length, scales, 0, scales.length);
            copy(weight, (firstRow + row) * packedWidth, packed);
            int to = at + row * width;
            for (int i = 0; i < packedWidth; i++) {
                float s = scales[2 * i / FP4_GROUP];
                out[to + 2 * i] = Float4E2M1.even(packed[i]) * s;
                out[to + 2 * i + 1] = Float4E2M1.odd(packed[i]) * s;
            }
        }
    }

    private static void copy(StoredTensor from, long offset, byte[] to) {
        MemorySegment.copy(from.data(), LittleEndian.BYTE, offset, to, 0, to.length);
    }

    private static void checkRank(StoredTensor weight) {
        if (weight.shape().length != 2) {
            throw new IllegalArgumentException("block weights are matrices but the weight is " + weight);
        }
    }

    private static int arrayLength(StoredTensor weight, long elements) {
        if (elements > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    weight + " has " + elements + " elements, more than an array holds; widen some rows at a time");
        }
        return (int) elements;
    }

    private static void checkType(StoredTensor tensor, StoredType one, StoredType other) {
        if (tensor.type() != one && tensor.type() != other) {
            throw new IllegalArgumentException(
                    "block weights: " + tensor + " should be " + one + (one == other ? "" : " or " + other));
        }
    }

    private static void checkScale(StoredTensor weight, StoredTensor scale, long rows, long columns) {
        if (!Arrays.equals(scale.shape(), new long[] {rows, columns})) {
            throw new IllegalArgumentException("block weights: " + weight + " needs a scale of [" + rows + ", "
                    + columns + "] but got " + scale + "; another block size?");
        }
    }

    private static void checkRows(long height, int width, long firstRow, int rows, float[] out, int at) {
        Objects.checkFromIndexSize(firstRow, rows, height);
        Objects.checkFromIndexSize(at, Math.multiplyExact(rows, width), out.length);
    }
}
