package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Float8E8M0Test {
    @Test
    void everyCodeIsItsPowerOfTwo() {
        for (int code = 0; code < 255; code++) {
            float value = Float8E8M0.toFloat((byte) code);
            assertEquals(Math.scalb(1.0, code - 127), value);
            assertEquals((byte) code, Float8E8M0.fromFloat(value));
        }
        assertTrue(Float.isNaN(Float8E8M0.toFloat((byte) 255)));
        assertEquals((byte) 255, Float8E8M0.fromFloat(Float.NaN));
    }

    @ParameterizedTest
    @ValueSource(floats = {0f, -0f, 3f, -1f, Float.POSITIVE_INFINITY, Float.MIN_VALUE, 0x1p-128f, 1.0000001f})
    void otherValuesAreRefused(float value) {
        assertThrows(IllegalArgumentException.class, () -> Float8E8M0.fromFloat(value));
    }
}
