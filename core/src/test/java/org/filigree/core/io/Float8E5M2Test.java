package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class Float8E5M2Test {
    @Test
    void everyCodeSurvivesARoundTrip() {
        for (int code = 0; code < 256; code++) {
            float value = Float8E5M2.toFloat((byte) code);
            if ((code & 0x7F) > 0x7C) {
                assertTrue(Float.isNaN(value));
            } else {
                assertEquals((byte) code, Float8E5M2.fromFloat(value));
            }
        }
        assertEquals(57344f, Float8E5M2.toFloat((byte) 0x7B));
        assertEquals(1f, Float8E5M2.toFloat((byte) 0x3C));
        assertEquals(0x1p-16f, Float8E5M2.toFloat((byte) 1));
    }

    @Test
    void overflowGivesInfinityFromTheTieOn() {
        assertEquals(0x7B, Float8E5M2.fromFloat(Math.nextDown(61440f)));
        assertEquals(0x7C, Float8E5M2.fromFloat(61440f));
        assertEquals(0x7C, Float8E5M2.fromFloat(Float.MAX_VALUE));
        assertEquals((byte) 0xFC, Float8E5M2.fromFloat(Float.NEGATIVE_INFINITY));
        assertEquals(0x7E, Float8E5M2.fromFloat(Float.NaN));
    }

    @Test
    void everyMidpointAndItsNeighboursRoundAsTheOracleSays() {
        for (int code = 0; code < 0x7B; code++) {
            float middle = (Float8E5M2.toFloat((byte) code) + Float8E5M2.toFloat((byte) (code + 1))) / 2;
            for (float value : new float[] {Math.nextDown(middle), middle, Math.nextUp(middle)}) {
                assertRounds(value);
            }
        }
    }

    @Property(tries = 200)
    void floatsRoundAsTheOracleSays(@ForAll @IntRange(min = 0x36000000, max = 0x476FFFFF) int bits) {
        assertRounds(Float.intBitsToFloat(bits));
    }

    private static void assertRounds(float magnitude) {
        int expected = NearestCode.of(magnitude, 0x7C, code -> Float8E5M2.toFloat((byte) code));
        assertEquals((byte) expected, Float8E5M2.fromFloat(magnitude));
        assertEquals((byte) (expected | 0x80), Float8E5M2.fromFloat(-magnitude));
    }
}
