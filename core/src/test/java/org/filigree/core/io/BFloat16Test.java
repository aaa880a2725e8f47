package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class BFloat16Test {
    @Test
    void everyCodeSurvivesARoundTrip() {
        for (int bits = 0; bits < 0x10000; bits++) {
            float value = BFloat16.toFloat((short) bits);
            short back = BFloat16.fromFloat(value);
            if (Float.isNaN(value)) {
                assertTrue(Float.isNaN(BFloat16.toFloat(back)));
            } else {
                assertEquals((short) bits, back);
            }
        }
    }

    /** Halfway between two codes the even one is taken; just beside it, the nearer. */
    @Test
    void everyMidpointRoundsToEven() {
        for (int bits = 0; bits < 0x7F7F; bits++) {
            float middle = Float.intBitsToFloat(bits << 16 | 0x8000);
            assertEquals(bits + (bits & 1), BFloat16.fromFloat(middle));
            assertEquals(bits, BFloat16.fromFloat(Math.nextDown(middle)));
            assertEquals(bits + 1, BFloat16.fromFloat(Math.nextUp(middle)));
        }
    }

    @Test
    void overflowGivesInfinityAndNaNsStayNaNs() {
        assertEquals(0x7F80, BFloat16.fromFloat(Float.MAX_VALUE));
        assertEquals((short) 0xFF80, BFloat16.fromFloat(-Float.MAX_VALUE));
        assertTrue(Float.isNaN(BFloat16.round(Float.intBitsToFloat(0x7F800001))));
        assertTrue(Float.isNaN(BFloat16.round(Float.intBitsToFloat(0xFFFFFFFF))));
    }

    @Property(tries = 200)
    void roundingIsWithinHalfAStepAndIdempotent(@ForAll int bits) {
        float value = Float.intBitsToFloat(bits);
        float rounded = BFloat16.round(value);
        if (Float.isNaN(value)) {
            assertTrue(Float.isNaN(rounded));
            return;
        }
        assertEquals(rounded, BFloat16.round(rounded));
        if (Float.isFinite(rounded) && Math.abs(value) >= Float.MIN_NORMAL) {
            assertTrue(Math.abs((double) rounded - value) <= Math.abs((double) value) * 0x1p-8);
        }
    }
}
