package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Float8E4M3Test {
    @ParameterizedTest
    @CsvSource({
        "0, 00",
        "0x1p-10, 00",
        "0x1p-9, 01",
        "0x1.8p-9, 02",
        "0.0146484375, 08",
        "0.015625, 08",
        "1.0625, 38",
        "1.1875, 3A",
        "17, 58",
        "18, 59",
        "19, 5A",
        "240, 77",
        "416, 7D",
        "432, 7E",
        "440, 7E",
        "448, 7E",
        "-0.3, AA",
        "464, 7E",
        "1e30, 7E",
        "Infinity, 7E",
        "-Infinity, FE",
        "-0.0, 80",
        "NaN, 7F",
        "-1e-9, 80",
        "1.4e-45, 00"
    })
    void narrowsTheListedValues(String value, String code) {
        assertEquals(code, String.format("%02X", Float8E4M3.fromFloat(Float.parseFloat(value(value))) & 0xFF));
    }

    private static String value(String text) {
        return text.startsWith("0x") ? Double.toString(Double.parseDouble(text)) : text;
    }

    @Test
    void everyCodeSurvivesARoundTrip() {
        for (int code = 0; code < 256; code++) {
            float value = Float8E4M3.toFloat((byte) code);
            if ((code & 0x7F) == 0x7F) {
                assertTrue(Float.isNaN(value));
            } else {
                assertEquals((byte) code, Float8E4M3.fromFloat(value));
            }
        }
        assertEquals(448f, Float8E4M3.toFloat((byte) 0x7E));
        assertEquals(0x1p-6f, Float8E4M3.toFloat((byte) 0x08));
        assertEquals(0x1p-9f, Float8E4M3.toFloat((byte) 0x01));
        assertEquals(-0.3125f, Float8E4M3.toFloat((byte) 0xAA));
    }

    @Test
    void everyMidpointAndItsNeighboursRoundAsTheOracleSays() {
        for (int code = 0; code < 0x7E; code++) {
            float middle = (Float8E4M3.toFloat((byte) code) + Float8E4M3.toFloat((byte) (code + 1))) / 2;
            for (float value : new float[] {Math.nextDown(middle), middle, Math.nextUp(middle)}) {
                assertRounds(value);
            }
        }
    }

    @Test
    void everyBfloat16RoundsAsTheOracleSays() {
        for (int bits = 0; bits < 0x7F80; bits++) {
            assertRounds(BFloat16.toFloat((short) bits));
        }
    }

    @Property(tries = 200)
    void floatsRoundAsTheOracleSays(@ForAll @IntRange(min = 0x39000000, max = 0x44800000) int bits) {
        assertRounds(Float.intBitsToFloat(bits));
    }

    private static void assertRounds(float magnitude) {
        int expected = NearestCode.of(Math.min(magnitude, 448), 0x7F, code -> Float8E4M3.toFloat((byte) code));
        assertEquals((byte) expected, Float8E4M3.fromFloat(magnitude));
        assertEquals((byte) (expected | 0x80), Float8E4M3.fromFloat(-magnitude));
    }
}
