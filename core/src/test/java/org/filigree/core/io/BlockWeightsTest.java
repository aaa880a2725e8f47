package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.random.RandomStream;
import org.junit.jupiter.api.Test;

class BlockWeightsTest {
    @Property(tries = 60)
    void fp8EqualsThePlainLoop(
            @ForAll @IntRange(min = 0, max = 70) int height,
            @ForAll @IntRange(min = 1, max = 70) int width,
            @ForAll long seed) {
        int block = 32;
        RandomStream random = RandomStream.of(seed);
        StoredTensor weight = bytes("w", StoredType.F8_E4M3, random, height, width);
        int scaleWidth = (width + block - 1) / block;
        StoredTensor scale = bytes("s", StoredType.F8_E8M0, random, (height + block - 1) / block, scaleWidth);
        float[] codes = weight.toFloats();
        float[] scales = scale.toFloats();
        float[] expected = new float[height * width];
        for (int row = 0; row < height; row++) {
            for (int column = 0; column < width; column++) {
                expected[row * width + column] =
                        codes[row * width + column] * scales[row / block * scaleWidth + column / block];
            }
        }
        assertArrayEquals(expected, BlockWeights.fp8(weight, scale, block));
        int firstRow = height / 3;
        int rows = height - firstRow;
        float[] some = new float[rows * width + 1];
        BlockWeights.fp8(weight, scale, block, firstRow, rows, some, 1);
        for (int i = 0; i < rows * width; i++) {
            assertEquals(expected[firstRow * width + i], some[i + 1]);
        }
    }

    @Property(tries = 60)
    void fp4EqualsThePlainLoop(
            @ForAll @IntRange(min = 0, max = 9) int height,
            @ForAll @IntRange(min = 1, max = 5) int groups,
            @ForAll long seed) {
        int width = groups * 32;
        RandomStream random = RandomStream.of(seed);
        StoredTensor weight = bytes("w", StoredType.I8, random, height, width / 2);
        StoredTensor scale = bytes("s", StoredType.F8_E8M0, random, height, groups);
        float[] scales = scale.toFloats();
        float[] expected = new float[height * width];
        for (int i = 0; i < expected.length; i++) {
            int packed = weight.data().get(LittleEndian.BYTE, i / 2) & 0xFF;
            expected[i] = Float4E2M1.toFloat(i % 2 == 0 ? packed & 15 : packed >> 4) * scales[i / 32];
        }
        assertArrayEquals(expected, BlockWeights.fp4(weight, scale));
    }

    /** V3's 576 rows are four and a half blocks of 128, so five rows of scales. */
    @Test
    void aPartialBlockHasItsOwnScale() {
        float[] ones = new float[576];
        Arrays.fill(ones, 1f);
        StoredTensor weight = StoredTensor.ofFloats("w", StoredType.F8_E4M3, new long[] {576, 1}, ones);
        StoredTensor scale =
                StoredTensor.ofFloats("s", StoredType.F32, new long[] {5, 1}, new float[] {1, 2, 3, 4, 5.5f});
        float[] widened = BlockWeights.fp8(weight, scale, 128);
        assertEquals(4f, widened[511]);
        assertEquals(5.5f, widened[512]);
        assertEquals(5.5f, widened[575]);
    }

    @Test
    void mismatchesAreRefusedWithBothShapes() {
        StoredTensor weight = StoredTensor.ofFloats("w", StoredType.F8_E4M3, new long[] {3, 2}, new float[6]);
        StoredTensor scale = StoredTensor.ofFloats("s", StoredType.F32, new long[] {2, 1}, new float[2]);
        String message = assertThrows(IllegalArgumentException.class, () -> BlockWeights.fp8(weight, scale, 128))
                .getMessage();
        assertEquals(
                "block weights: w: F8_E4M3 [3, 2] needs a scale of [1, 1] but got s: F32 [2, 1]; another block size?",
                message);
        assertThrows(IllegalArgumentException.class, () -> BlockWeights.fp8(scale, scale, 128));
        assertThrows(IllegalArgumentException.class, () -> BlockWeights.fp4(weight, scale));
        assertThrows(IllegalArgumentException.class, () -> BlockWeights.fp8(weight, scale, 0));
        assertThrows(IndexOutOfBoundsException.class, () -> BlockWeights.fp8(weight, scale, 2, 2, 2, new float[4], 0));
    }

    private static StoredTensor bytes(String name, StoredType type, RandomStream random, int rows, int columns) {
        byte[] bytes = new byte[rows * columns];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt();
        }
        return new StoredTensor(name, type, new long[] {rows, columns}, MemorySegment.ofArray(bytes));
    }
}
