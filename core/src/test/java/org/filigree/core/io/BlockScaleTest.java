package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlockScaleTest {
    @ParameterizedTest
    @CsvSource({"1e-4, -22", ".875, -9", "1, -8", "3.5, -7", "7, -6", "14, -5", "28, -4", "448, 0", "449, 1", "0, -22"})
    void fp8ScalesHaveTheListedExponents(float amax, int exponent) {
        assertEquals(Math.scalb(1f, exponent), BlockScale.forE4M3(amax, ScaleRounding.CEIL_POWER_OF_TWO));
    }

    @ParameterizedTest
    @CsvSource({".75, -3", "1, -2", "1.5, -2", "3, -1", "6, 0", "6.5, 1", "12, 1", "0, -126"})
    void fp4ScalesHaveTheListedExponents(float amax, int exponent) {
        assertEquals(Math.scalb(1f, exponent), BlockScale.forE2M1(amax));
    }

    @Test
    void theConstantsAreTheModelsOwn() {
        assertEquals(0x3B124925, Float.floatToRawIntBits(1f / 448f));
        assertEquals(0x3E2AAAAB, Float.floatToRawIntBits(1f / 6f));
    }

    @Test
    void largestValuesTimesAPowerOfTwoKeepThatPower() {
        for (int k = -12; k <= 20; k++) {
            assertEquals(Math.scalb(1f, k), BlockScale.forE4M3(Math.scalb(448f, k), ScaleRounding.CEIL_POWER_OF_TWO));
        }
        for (int k = -20; k <= 20; k++) {
            assertEquals(Math.scalb(1f, k), BlockScale.forE2M1(Math.scalb(6f, k)));
        }
    }

    @Test
    void withoutRoundingTheScaleIsAQuotient() {
        assertEquals(3f / 448f, BlockScale.forE4M3(3f, ScaleRounding.NONE));
        assertEquals(1e-4f / 448f, BlockScale.forE4M3(0f, ScaleRounding.NONE));
    }

    @Test
    void e4m3ScalesOfE2m1AreE4m3Values() {
        assertEquals(1f, BlockScale.forE2M1WithE4M3Scale(6f));
        assertEquals(0x1p-9f, BlockScale.forE2M1WithE4M3Scale(0f));
        assertEquals(448f, BlockScale.forE2M1WithE4M3Scale(1e9f));
        assertEquals(1f, BlockScale.forE2M1WithE4M3Scale(6.3f), "1.05 rounds down to 1");
    }

    @Property(tries = 200)
    void ceilPowerOfTwoIsTheLeastThatIsNotBelow(@ForAll @IntRange(min = 0x00800000, max = 0x7F000000) int bits) {
        float value = Float.intBitsToFloat(bits);
        float power = BlockScale.ceilPowerOfTwo(value);
        assertTrue(power >= value && power / 2 < value);
        assertEquals(power, BlockScale.ceilPowerOfTwo(power));
        assertEquals(0, Float.floatToRawIntBits(power) & 0x7FFFFF);
    }

    @Test
    void ceilPowerOfTwoAtItsLimits() {
        assertEquals(0x1p-126f, BlockScale.ceilPowerOfTwo(Float.MIN_VALUE));
        assertEquals(Float.POSITIVE_INFINITY, BlockScale.ceilPowerOfTwo(Float.MAX_VALUE));
        assertEquals(0x1p127f, BlockScale.ceilPowerOfTwo(0x1p127f));
        assertThrows(IllegalArgumentException.class, () -> BlockScale.ceilPowerOfTwo(0f));
        assertThrows(IllegalArgumentException.class, () -> BlockScale.ceilPowerOfTwo(-2f));
    }

    @Test
    void amaxIgnoresNaNAndTakesMagnitudes() {
        assertEquals(3f, BlockScale.amax(new float[] {9, 1, -3, Float.NaN, 2, 9}, 1, 4));
        assertEquals(0f, BlockScale.amax(new float[0], 0, 0));
    }
}
