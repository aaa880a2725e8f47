package org.filigree.core.io;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Stored numbers to Java arrays. Narrow types are copied in tiles to a small array first, which keeps the loops over
 * plain arrays where the compiler vectorises them and checks the segment's bounds once a tile.
 */
final class Widening {
    private static final int TILE = 4096;

    private Widening() {}

    static void floats(StoredType type, MemorySegment source, long first, float[] destination, int from, int count) {
        Objects.checkFromIndexSize(from, count, destination.length);
        switch (type) {
            case F32 -> MemorySegment.copy(source, LittleEndian.FLOAT, first * Float.BYTES, destination, from, count);
            case F64 -> {
                for (int i = 0; i < count; i++) {
                    destination[from + i] = (float) source.get(LittleEndian.DOUBLE, (first + i) * Double.BYTES);
                }
            }
            case F16, BF16 -> halves(type, source, first, destination, from, count);
            case F8_E4M3, F8_E5M2, F8_E8M0 -> eighths(type, source, first, destination, from, count);
            case F4 -> {
                for (int i = 0; i < count; i++) {
                    byte packed = source.get(LittleEndian.BYTE, (first + i) / 2);
                    destination[from + i] = (first + i) % 2 == 0 ? Float4E2M1.even(packed) : Float4E2M1.odd(packed);
                }
            }
            case I64, I32, I16, I8, U64, U32, U16, U8, BOOL -> {
                long[] tile = new long[Math.min(count, TILE)];
                for (int done = 0; done < count; done += TILE) {
                    int size = Math.min(TILE, count - done);
                    longs(type, source, first + done, tile, 0, size);
                    for (int i = 0; i < size; i++) {
                        destination[from + done + i] = exactFloat(type, tile[i], first + done + i);
                    }
                }
            }
        }
    }

    static void doubles(StoredType type, MemorySegment source, long first, double[] destination, int from, int count) {
        Objects.checkFromIndexSize(from, count, destination.length);
        if (type == StoredType.F64) {
            MemorySegment.copy(source, LittleEndian.DOUBLE, first * Double.BYTES, destination, from, count);
        } else if (type.isFloating()) {
            float[] tile = new float[Math.min(count, TILE)];
            for (int done = 0; done < count; done += TILE) {
                int size = Math.min(TILE, count - done);
                floats(type, source, first + done, tile, 0, size);
                for (int i = 0; i < size; i++) {
                    destination[from + done + i] = tile[i];
                }
            }
        } else {
            long[] tile = new long[Math.min(count, TILE)];
            for (int done = 0; done < count; done += TILE) {
                int size = Math.min(TILE, count - done);
                longs(type, source, first + done, tile, 0, size);
                for (int i = 0; i < size; i++) {
                    destination[from + done + i] = exactDouble(type, tile[i], first + done + i);
                }
            }
        }
    }

    static void longs(StoredType type, MemorySegment source, long first, long[] destination, int from, int count) {
        Objects.checkFromIndexSize(from, count, destination.length);
        switch (type) {
            case I64 -> MemorySegment.copy(source, LittleEndian.LONG, first * Long.BYTES, destination, from, count);
            case U64 -> {
                MemorySegment.copy(source, LittleEndian.LONG, first * Long.BYTES, destination, from, count);
                for (int i = 0; i < count; i++) {
                    if (destination[from + i] < 0) {
                        throw new ArithmeticException("element " + (first + i) + " is "
                                + Long.toUnsignedString(destination[from + i]) + ", which no long holds");
                    }
                }
            }
            case I32, U32 -> {
                long mask = type == StoredType.I32 ? -1L : 0xFFFFFFFFL;
                for (int i = 0; i < count; i++) {
                    destination[from + i] = source.get(LittleEndian.INT, (first + i) * Integer.BYTES) & mask;
                }
            }
            case I16, U16 -> {
                long mask = type == StoredType.I16 ? -1L : 0xFFFFL;
                for (int i = 0; i < count; i++) {
                    destination[from + i] = source.get(LittleEndian.SHORT, (first + i) * Short.BYTES) & mask;
                }
            }
            case I8, U8 -> {
                long mask = type == StoredType.I8 ? -1L : 0xFFL;
                for (int i = 0; i < count; i++) {
                    destination[from + i] = source.get(LittleEndian.BYTE, first + i) & mask;
                }
            }
            case BOOL -> {
                for (int i = 0; i < count; i++) {
                    destination[from + i] = source.get(LittleEndian.BYTE, first + i) == 0 ? 0 : 1;
                }
            }
            case F64, F32, F16, BF16, F8_E4M3, F8_E5M2, F8_E8M0, F4 ->
                throw new IllegalArgumentException(type + " holds no integers; read it as floats or doubles");
        }
    }

    static void ints(StoredType type, MemorySegment source, long first, int[] destination, int from, int count) {
        Objects.checkFromIndexSize(from, count, destination.length);
        if (type == StoredType.I32) {
            MemorySegment.copy(source, LittleEndian.INT, first * Integer.BYTES, destination, from, count);
            return;
        }
        long[] tile = new long[Math.min(count, TILE)];
        for (int done = 0; done < count; done += TILE) {
            int size = Math.min(TILE, count - done);
            longs(type, source, first + done, tile, 0, size);
            for (int i = 0; i < size; i++) {
                if (tile[i] != (int) tile[i]) {
                    throw new ArithmeticException("element " + (first + done + i) + " is " + tile[i]
                            + ", which no int holds; read it as longs");
                }
                destination[from + done + i] = (int) tile[i];
            }
        }
    }

    private static void halves(
            StoredType type, MemorySegment source, long first, float[] destination, int from, int count) {
        short[] tile = new short[Math.min(count, TILE)];
        for (int done = 0; done < count; done += TILE) {
            int size = Math.min(TILE, count - done);
            MemorySegment.copy(source, LittleEndian.SHORT, (first + done) * Short.BYTES, tile, 0, size);
            int at = from + done;
            if (type == StoredType.BF16) {
                for (int i = 0; i < size; i++) {
                    destination[at + i] = BFloat16.toFloat(tile[i]);
                }
            } else {
                for (int i = 0; i < size; i++) {
                    destination[at + i] = Float.float16ToFloat(tile[i]);
                }
            }
        }
    }

    private static void eighths(
            StoredType type, MemorySegment source, long first, float[] destination, int from, int count) {
        byte[] tile = new byte[Math.min(count, TILE)];
        for (int done = 0; done < count; done += TILE) {
            int size = Math.min(TILE, count - done);
            MemorySegment.copy(source, LittleEndian.BYTE, first + done, tile, 0, size);
            int at = from + done;
            if (type == StoredType.F8_E4M3) {
                for (int i = 0; i < size; i++) {
                    destination[at + i] = Float8E4M3.toFloat(tile[i]);
                }
            } else if (type == StoredType.F8_E5M2) {
                for (int i = 0; i < size; i++) {
                    destination[at + i] = Float8E5M2.toFloat(tile[i]);
                }
            } else {
                for (int i = 0; i < size; i++) {
                    destination[at + i] = Float8E8M0.toFloat(tile[i]);
                }
            }
        }
    }

    /** A round trip alone would accept 2^63 − 1, which rounds to 2^63 and comes back saturated. */
    private static float exactFloat(StoredType type, long value, long element) {
        float converted = value;
        if ((long) converted != value || value == Long.MAX_VALUE) {
            throw new ArithmeticException("element " + element + " of type " + type + " is " + value
                    + ", which no float holds; read it as longs or doubles");
        }
        return converted;
    }

    private static double exactDouble(StoredType type, long value, long element) {
        double converted = value;
        if ((long) converted != value || value == Long.MAX_VALUE) {
            throw new ArithmeticException("element " + element + " of type " + type + " is " + value
                    + ", which no double holds; read it as longs");
        }
        return converted;
    }
}
