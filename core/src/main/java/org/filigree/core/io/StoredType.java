package org.filigree.core.io;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How numbers are stored, named as safetensors spells them. Storage is little-endian and needs no alignment.
 *
 * <p>Widening is exact, with one exception that is asked for by name: {@code F64} to float rounds to nearest.
 * Narrowing rounds to nearest, ties to even; formats with infinities overflow to infinity ({@code F16}, {@code BF16},
 * {@code F8_E5M2}), formats without saturate ({@code F8_E4M3} at 448, {@code F4} at 6), and {@code F8_E8M0} takes
 * powers of two only. Integers out of range are an error, never wrapped.
 *
 * <p>The released checkpoints carry packed E2M1 weights as {@code I8} with half the last dimension: read the bytes
 * and see {@link Float4E2M1} and {@link BlockWeights}. {@code F4} is the format's own name for the same packing with
 * the full dimension.
 */
public enum StoredType {
    /** IEEE binary64. */
    F64(64, Kind.FLOATING),
    /** IEEE binary32. */
    F32(32, Kind.FLOATING),
    /** IEEE binary16. */
    F16(16, Kind.FLOATING),
    /** bfloat16, see {@link BFloat16}. */
    BF16(16, Kind.FLOATING),
    /** See {@link Float8E4M3}. */
    F8_E4M3(8, Kind.FLOATING),
    /** See {@link Float8E5M2}. */
    F8_E5M2(8, Kind.FLOATING),
    /** See {@link Float8E8M0}. */
    F8_E8M0(8, Kind.FLOATING),
    /** See {@link Float4E2M1}; two elements a byte. */
    F4(4, Kind.FLOATING),
    /** Signed 64-bit integer. */
    I64(64, Kind.INTEGER),
    /** Signed 32-bit integer. */
    I32(32, Kind.INTEGER),
    /** Signed 16-bit integer. */
    I16(16, Kind.INTEGER),
    /** Signed 8-bit integer. */
    I8(8, Kind.INTEGER),
    /** Unsigned 64-bit integer. */
    U64(64, Kind.INTEGER),
    /** Unsigned 32-bit integer. */
    U32(32, Kind.INTEGER),
    /** Unsigned 16-bit integer. */
    U16(16, Kind.INTEGER),
    /** Unsigned 8-bit integer. */
    U8(8, Kind.INTEGER),
    /** One byte, 0 for false, anything else for true; reads as the integers 0 and 1. */
    BOOL(8, Kind.INTEGER);

    private enum Kind {
        FLOATING,
        INTEGER
    }

    private static final Map<String, StoredType> BY_CODE =
            Stream.of(values()).collect(Collectors.toUnmodifiableMap(StoredType::code, Function.identity()));

    private final int bits;
    private final Kind kind;

    StoredType(int bits, Kind kind) {
        this.bits = bits;
        this.kind = kind;
    }

    /**
     * The type of that safetensors code.
     *
     * @param code for instance {@code "BF16"}
     * @return the type, or empty if this library has none of that code
     */
    public static Optional<StoredType> ofCode(String code) {
        return Optional.ofNullable(BY_CODE.get(code));
    }

    /**
     * The name in a safetensors header.
     *
     * @return for instance {@code "BF16"}
     */
    public String code() {
        return name();
    }

    /**
     * Width of one element.
     *
     * @return bits, 4 to 64
     */
    public int bits() {
        return bits;
    }

    /**
     * Whether elements are floating-point numbers; otherwise they are integers.
     *
     * @return true for the F and BF types
     */
    public boolean isFloating() {
        return kind == Kind.FLOATING;
    }

    /**
     * Size of that many elements.
     *
     * @param elements not negative
     * @return bytes
     * @throws IllegalArgumentException if they do not fill whole bytes
     * @throws ArithmeticException if the size does not fit 64 bits
     */
    public long bytes(long elements) {
        if (bits >= Byte.SIZE) {
            return Math.multiplyExact(elements, bits / Byte.SIZE);
        }
        if (elements % 2 != 0) {
            throw new IllegalArgumentException(
                    elements + " elements of " + name() + ", " + bits + " bits each, do not fill whole bytes");
        }
        return elements / 2;
    }

    /**
     * Widens elements to float. Integers must be exactly representable (|n| ≤ 2<sup>24</sup> always is); {@code F64}
     * is rounded to nearest.
     *
     * @param source the stored bytes
     * @param first  index of the first element to read
     * @param destination receives the values
     * @param from   index of the first value to write
     * @param count  how many
     * @throws ArithmeticException if an integer is no float
     * @throws IndexOutOfBoundsException if either range is out of bounds
     */
    public void toFloats(MemorySegment source, long first, float[] destination, int from, int count) {
        Widening.floats(this, source, first, destination, from, count);
    }

    /**
     * Widens elements to double, exactly.
     *
     * @param source the stored bytes
     * @param first  index of the first element to read
     * @param destination receives the values
     * @param from   index of the first value to write
     * @param count  how many
     * @throws ArithmeticException if a 64-bit integer is no double
     * @throws IndexOutOfBoundsException if either range is out of bounds
     */
    public void toDoubles(MemorySegment source, long first, double[] destination, int from, int count) {
        Widening.doubles(this, source, first, destination, from, count);
    }

    /**
     * Widens integers to long, exactly.
     *
     * @param source the stored bytes
     * @param first  index of the first element to read
     * @param destination receives the values
     * @param from   index of the first value to write
     * @param count  how many
     * @throws IllegalArgumentException if this is a floating-point type
     * @throws ArithmeticException if a {@code U64} is past 2<sup>63</sup>−1
     * @throws IndexOutOfBoundsException if either range is out of bounds
     */
    public void toLongs(MemorySegment source, long first, long[] destination, int from, int count) {
        Widening.longs(this, source, first, destination, from, count);
    }

    /**
     * Converts integers to int, exactly.
     *
     * @param source the stored bytes
     * @param first  index of the first element to read
     * @param destination receives the values
     * @param from   index of the first value to write
     * @param count  how many
     * @throws IllegalArgumentException if this is a floating-point type
     * @throws ArithmeticException if a value is no int
     * @throws IndexOutOfBoundsException if either range is out of bounds
     */
    public void toInts(MemorySegment source, long first, int[] destination, int from, int count) {
        Widening.ints(this, source, first, destination, from, count);
    }

    /**
     * Narrows floats into storage by the rule of the class comment.
     *
     * @param source the values
     * @param from   index of the first value to read
     * @param destination receives the bytes
     * @param first  index of the first element to write; even for {@code F4}
     * @param count  how many; even for {@code F4}
     * @throws IllegalArgumentException if this is an integer type, or a value is no power of two for {@code F8_E8M0}
     * @throws IndexOutOfBoundsException if either range is out of bounds
     */
    public void fromFloats(float[] source, int from, MemorySegment destination, long first, int count) {
        Narrowing.floats(this, source, from, destination, first, count);
    }

    /**
     * Stores doubles as {@code F64}, exactly, or as {@code F32}, rounded. Other types would round twice: narrow to
     * float first.
     *
     * @param source the values
     * @param from   index of the first value to read
     * @param destination receives the bytes
     * @param first  index of the first element to write
     * @param count  how many
     * @throws IllegalArgumentException if this is neither {@code F64} nor {@code F32}
     * @throws IndexOutOfBoundsException if either range is out of bounds
     */
    public void fromDoubles(double[] source, int from, MemorySegment destination, long first, int count) {
        Narrowing.doubles(this, source, from, destination, first, count);
    }

    /**
     * Stores integers.
     *
     * @param source the values
     * @param from   index of the first value to read
     * @param destination receives the bytes
     * @param first  index of the first element to write
     * @param count  how many
     * @throws IllegalArgumentException if this is a floating-point type
     * @throws ArithmeticException if a value is out of this type's range
     * @throws IndexOutOfBoundsException if either range is out of bounds
     */
    public void fromLongs(long[] source, int from, MemorySegment destination, long first, int count) {
        Narrowing.longs(this, source, from, destination, first, count);
    }
}
