package org.filigree.core.io;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Java arrays to stored numbers, by the rounding rules of {@link StoredType}; in tiles, as {@link Widening} does and
 * for its reasons.
 */
final class Narrowing {
    private static final int TILE = 4096;

    private Narrowing() {}

    static void floats(StoredType type, float[] source, int from, MemorySegment destination, long first, int count) {
        Objects.checkFromIndexSize(from, count, source.length);
        switch (type) {
            case F32 -> MemorySegment.copy(source, from, destination, LittleEndian.FLOAT, first * Float.BYTES, count);
            case F64 -> {
                for (int i = 0; i < count; i++) {
                    destination.set(LittleEndian.DOUBLE, (first + i) * Double.BYTES, source[from + i]);
                }
            }
            case F16, BF16 -> halves(type, source, from, destination, first, count);
            case F8_E4M3, F8_E5M2, F8_E8M0 -> eighths(type, source, from, destination, first, count);
            case F4 -> {
                if (first % 2 != 0 || count % 2 != 0) {
                    throw new IllegalArgumentException("F4 packs two elements a byte, so a range must start and end at"
                            + " even elements, but it starts at " + first + " and has " + count);
                }
                for (int i = 0; i < count; i += 2) {
                    byte packed = Float4E2M1.pack(
                            Float4E2M1.fromFloat(source[from + i]), Float4E2M1.fromFloat(source[from + i + 1]));
                    destination.set(LittleEndian.BYTE, (first + i) / 2, packed);
                }
            }
            case I64, I32, I16, I8, U64, U32, U16, U8, BOOL ->
                throw new IllegalArgumentException(type + " holds integers; store floats as one of the F types");
        }
    }

    static void doubles(StoredType type, double[] source, int from, MemorySegment destination, long first, int count) {
        Objects.checkFromIndexSize(from, count, source.length);
        switch (type) {
            case F64 -> MemorySegment.copy(source, from, destination, LittleEndian.DOUBLE, first * Double.BYTES, count);
            case F32 -> {
                for (int i = 0; i < count; i++) {
                    destination.set(LittleEndian.FLOAT, (first + i) * Float.BYTES, (float) source[from + i]);
                }
            }
            default ->
                throw new IllegalArgumentException(
                        type + " takes no doubles: F64 and F32 do; narrow to float first to accept rounding twice");
        }
    }

    static void longs(StoredType type, long[] source, int from, MemorySegment destination, long first, int count) {
        Objects.checkFromIndexSize(from, count, source.length);
        if (type.isFloating()) {
            throw new IllegalArgumentException(type + " holds floating-point values; store integers as an I or U type");
        }
        long least = least(type);
        long greatest = greatest(type);
        for (int i = 0; i < count; i++) {
            long value = source[from + i];
            if (value < least || value > greatest) {
                throw new ArithmeticException("element " + (first + i) + " is " + value + ", outside the range of "
                        + type + ", " + least + " to " + greatest);
            }
            switch (type.bits()) {
                case 64 -> destination.set(LittleEndian.LONG, (first + i) * Long.BYTES, value);
                case 32 -> destination.set(LittleEndian.INT, (first + i) * Integer.BYTES, (int) value);
                case 16 -> destination.set(LittleEndian.SHORT, (first + i) * Short.BYTES, (short) value);
                default -> destination.set(LittleEndian.BYTE, first + i, (byte) value);
            }
        }
    }

    private static void halves(
            StoredType type, float[] source, int from, MemorySegment destination, long first, int count) {
        short[] tile = new short[Math.min(count, TILE)];
        for (int done = 0; done < count; done += TILE) {
            int size = Math.min(TILE, count - done);
            if (type == StoredType.BF16) {
                for (int i = 0; i < size; i++) {
                    tile[i] = BFloat16.fromFloat(source[from + done + i]);
                }
            } else {
                for (int i = 0; i < size; i++) {
                    tile[i] = Float.floatToFloat16(source[from + done + i]);
                }
            }
            MemorySegment.copy(tile, 0, destination, LittleEndian.SHORT, (first + done) * Short.BYTES, size);
        }
    }

    private static void eighths(
            StoredType type, float[] source, int from, MemorySegment destination, long first, int count) {
        byte[] tile = new byte[Math.min(count, TILE)];
        for (int done = 0; done < count; done += TILE) {
            int size = Math.min(TILE, count - done);
            int at = from + done;
            if (type == StoredType.F8_E4M3) {
                for (int i = 0; i < size; i++) {
                    tile[i] = Float8E4M3.fromFloat(source[at + i]);
                }
            } else if (type == StoredType.F8_E5M2) {
                for (int i = 0; i < size; i++) {
                    tile[i] = Float8E5M2.fromFloat(source[at + i]);
                }
            } else {
                for (int i = 0; i < size; i++) {
                    tile[i] = Float8E8M0.fromFloat(source[at + i]);
                }
            }
            MemorySegment.copy(tile, 0, destination, LittleEndian.BYTE, first + done, size);
        }
    }

    private static long least(StoredType type) {
        return switch (type) {
            case I64 -> Long.MIN_VALUE;
            case I32 -> Integer.MIN_VALUE;
            case I16 -> Short.MIN_VALUE;
            case I8 -> Byte.MIN_VALUE;
            default -> 0;
        };
    }

    private static long greatest(StoredType type) {
        return switch (type) {
            case I32 -> Integer.MAX_VALUE;
            case I16 -> Short.MAX_VALUE;
            case I8 -> Byte.MAX_VALUE;
            case U32 -> 0xFFFFFFFFL;
            case U16 -> 0xFFFFL;
            case U8 -> 0xFFL;
            case BOOL -> 1;
            default -> Long.MAX_VALUE;
        };
    }
}
