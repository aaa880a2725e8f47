package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.random.RandomStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StoredTypeTest {
    private static final EnumSet<StoredType> ROUNDED =
            EnumSet.of(StoredType.F32, StoredType.F16, StoredType.BF16, StoredType.F8_E4M3, StoredType.F8_E5M2);

    @ParameterizedTest
    @EnumSource(StoredType.class)
    void codesAreTheFormatsOwn(StoredType type) {
        assertEquals(type, StoredType.ofCode(type.code()).orElseThrow());
        assertEquals(type.name(), type.code());
    }

    @Test
    void unknownCodesAreEmpty() {
        assertTrue(StoredType.ofCode("F6_E2M3").isEmpty());
        assertTrue(StoredType.ofCode("f32").isEmpty());
    }

    @Test
    void sizesAreCheckedNotWrapped() {
        assertEquals(12, StoredType.F32.bytes(3));
        assertEquals(3, StoredType.F4.bytes(6));
        assertThrows(IllegalArgumentException.class, () -> StoredType.F4.bytes(3));
        assertThrows(ArithmeticException.class, () -> StoredType.I64.bytes(Long.MAX_VALUE / 7));
    }

    /** Every pattern of 16 bits is read in bulk as it is read one by one, at odd offsets and across tiles. */
    @Test
    void bulkWideningOf16BitPatternsIsExact() {
        byte[] bytes = new byte[2 * 0x10000 + 1];
        for (int i = 0; i < 0x10000; i++) {
            bytes[2 * i + 1] = (byte) i;
            bytes[2 * i + 2] = (byte) (i >> 8);
        }
        MemorySegment unaligned = MemorySegment.ofArray(bytes).asSlice(1);
        float[] bfloats = new float[0x10000];
        float[] halves = new float[0x10000];
        long[] signed = new long[0x10000];
        long[] unsigned = new long[0x10000];
        StoredType.BF16.toFloats(unaligned, 0, bfloats, 0, 0x10000);
        StoredType.F16.toFloats(unaligned, 0, halves, 0, 0x10000);
        StoredType.I16.toLongs(unaligned, 0, signed, 0, 0x10000);
        StoredType.U16.toLongs(unaligned, 0, unsigned, 0, 0x10000);
        for (int i = 0; i < 0x10000; i++) {
            assertEquals(Float.intBitsToFloat(i << 16), bfloats[i]);
            assertEquals(Float.float16ToFloat((short) i), halves[i]);
            assertEquals((short) i, signed[i]);
            assertEquals(i, unsigned[i]);
        }
    }

    @Test
    void bulkWideningOf8BitPatternsIsExact() {
        byte[] bytes = new byte[256];
        for (int i = 0; i < 256; i++) {
            bytes[i] = (byte) i;
        }
        MemorySegment all = MemorySegment.ofArray(bytes);
        float[] e4m3 = new float[256];
        float[] e5m2 = new float[256];
        float[] e8m0 = new float[256];
        float[] e2m1 = new float[512];
        float[] signed = new float[256];
        int[] unsigned = new int[256];
        int[] truth = new int[256];
        StoredType.F8_E4M3.toFloats(all, 0, e4m3, 0, 256);
        StoredType.F8_E5M2.toFloats(all, 0, e5m2, 0, 256);
        StoredType.F8_E8M0.toFloats(all, 0, e8m0, 0, 256);
        StoredType.F4.toFloats(all, 0, e2m1, 0, 512);
        StoredType.I8.toFloats(all, 0, signed, 0, 256);
        StoredType.U8.toInts(all, 0, unsigned, 0, 256);
        StoredType.BOOL.toInts(all, 0, truth, 0, 256);
        for (int i = 0; i < 256; i++) {
            assertEquals(Float8E4M3.toFloat((byte) i), e4m3[i]);
            assertEquals(Float8E5M2.toFloat((byte) i), e5m2[i]);
            assertEquals(Float8E8M0.toFloat((byte) i), e8m0[i]);
            assertEquals(Float4E2M1.toFloat(i & 15), e2m1[2 * i]);
            assertEquals(Float4E2M1.toFloat(i >> 4), e2m1[2 * i + 1]);
            assertEquals((byte) i, signed[i]);
            assertEquals(i, unsigned[i]);
            assertEquals(i == 0 ? 0 : 1, truth[i]);
        }
    }

    @Test
    void anOddStartReadsTheRightNibble() {
        float[] values = new float[3];
        StoredType.F4.toFloats(MemorySegment.ofArray(new byte[] {0x21, 0x43, 0x65}), 1, values, 0, 3);
        assertArrayEquals(new float[] {1f, 1.5f, 2f}, values);
    }

    /** What was narrowed once narrows to the same bytes again, wherever the range starts. */
    @Property(tries = 60)
    void narrowingIsIdempotent(@ForAll long seed, @ForAll @IntRange(max = 40) int count) {
        float[] values = new float[count + 1];
        RandomStream.of(seed).fillGaussian(values, 0f, 30f);
        for (StoredType type : ROUNDED) {
            MemorySegment bytes = MemorySegment.ofArray(new byte[(int) type.bytes(count + 2L)]);
            type.fromFloats(values, 1, bytes, 2, count);
            float[] widened = new float[count];
            type.toFloats(bytes, 2, widened, 0, count);
            MemorySegment again = MemorySegment.ofArray(new byte[(int) type.bytes(count + 2L)]);
            type.fromFloats(widened, 0, again, 2, count);
            assertEquals(-1, bytes.mismatch(again), type::name);
            double[] doubles = new double[count];
            type.toDoubles(bytes, 2, doubles, 0, count);
            for (int i = 0; i < count; i++) {
                assertEquals(widened[i], doubles[i]);
            }
        }
    }

    @Test
    void integersKeepTheirRangeAndRefuseOthers() {
        for (StoredType type : StoredType.values()) {
            if (type.isFloating()) {
                continue;
            }
            long greatest = type == StoredType.BOOL
                    ? 1
                    : type.bits() == 64
                            ? Long.MAX_VALUE
                            : (1L << (type.name().startsWith("U") ? type.bits() : type.bits() - 1)) - 1;
            long least = type.name().startsWith("I") ? -greatest - 1 : 0;
            long[] values = {least, greatest, 0, 1};
            StoredTensor stored = StoredTensor.ofLongs("t", type, new long[] {4}, values);
            assertArrayEquals(values, stored.toLongs(), type::name);
            if (type.bits() < 64) {
                for (long outside : new long[] {least - 1, greatest + 1}) {
                    assertThrows(
                            ArithmeticException.class,
                            () -> StoredTensor.ofLongs("t", type, new long[] {1}, new long[] {outside}));
                }
            }
        }
    }

    @Test
    void valuesThatDoNotFitAreErrorsThatNameTensorAndElement() {
        StoredTensor big =
                StoredTensor.ofLongs("ids", StoredType.I64, new long[] {3}, new long[] {1, 1L << 24, 1L << 31});
        ArithmeticException inexact = assertThrows(ArithmeticException.class, big::toInts);
        assertEquals(
                "tensor 'ids': element 2 is 2147483648, which no int holds; read it as longs", inexact.getMessage());
        assertArrayEquals(new float[] {1f, 0x1p24f, 0x1p31f}, big.toFloats());
        StoredTensor odd = StoredTensor.ofLongs("ids", StoredType.I64, new long[] {2}, new long[] {0, (1L << 24) + 1});
        assertThrows(ArithmeticException.class, odd::toFloats);
        assertArrayEquals(new double[] {0, 16777217}, odd.toDoubles());
        StoredTensor greatest =
                StoredTensor.ofLongs("ids", StoredType.I64, new long[] {1}, new long[] {Long.MAX_VALUE});
        assertThrows(ArithmeticException.class, greatest::toFloats);
        assertThrows(ArithmeticException.class, greatest::toDoubles);
        byte[] unsigned = new byte[8];
        Arrays.fill(unsigned, (byte) -1);
        StoredTensor u64 = new StoredTensor("u", StoredType.U64, new long[0], MemorySegment.ofArray(unsigned));
        assertTrue(
                assertThrows(ArithmeticException.class, u64::toLongs).toString().contains("18446744073709551615"));
    }

    @Test
    void theWrongKindIsRefused() {
        StoredTensor floats = StoredTensor.ofFloats("w", StoredType.F32, new long[] {1}, new float[] {1});
        assertTrue(assertThrows(IllegalArgumentException.class, floats::toInts)
                .toString()
                .contains("tensor 'w': F32 holds no integers"));
        assertThrows(
                IllegalArgumentException.class,
                () -> StoredTensor.ofFloats("w", StoredType.I8, new long[] {1}, new float[] {1}));
        assertThrows(
                IllegalArgumentException.class,
                () -> StoredTensor.ofLongs("w", StoredType.BF16, new long[] {1}, new long[] {1}));
        assertThrows(
                IllegalArgumentException.class,
                () -> StoredType.F16.fromDoubles(new double[1], 0, MemorySegment.ofArray(new byte[2]), 0, 1));
    }

    @Test
    void doublesAreKeptAndFloatsOfThemRounded() {
        double third = 1.0 / 3;
        StoredTensor stored = StoredTensor.ofDoubles("d", new long[] {2}, new double[] {third, -0.0});
        assertArrayEquals(new double[] {third, -0.0}, stored.toDoubles());
        assertArrayEquals(new float[] {(float) third, -0f}, stored.toFloats());
    }

    @Test
    void aTensorChecksItsBytes() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new StoredTensor("t", StoredType.F32, new long[] {2}, MemorySegment.ofArray(new byte[7])));
        assertThrows(
                IllegalArgumentException.class,
                () -> new StoredTensor("t", StoredType.F32, new long[] {-1}, MemorySegment.ofArray(new byte[0])));
        assertThrows(IllegalArgumentException.class, () -> StoredTensor.ofInts("t", new long[] {3}, new int[] {1, 2}));
        assertEquals(1, StoredTensor.ofInts("t", new long[0], new int[] {4}).elements());
        assertEquals(0, StoredTensor.ofInts("t", new long[] {2, 0}, new int[0]).toInts().length);
    }
}
