package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Float4E2M1Test {
    @ParameterizedTest
    @CsvSource({
        ".25, 0",
        ".75, 1",
        "1.25, 1",
        "1.75, 2",
        "2.5, 2",
        "3.5, 4",
        "5, 4",
        "6, 6",
        "7, 6",
        "1e9, 6",
        "Infinity, 6",
        "-.25, -0.0",
        "-.75, -1",
        "-5, -4",
        "-5.0000005, -6",
        "-1e-30, -0.0",
        "-0.0, -0.0"
    })
    void roundsTiesToTheEvenCode(float value, float expected) {
        assertEquals(expected, Float4E2M1.toFloat(Float4E2M1.fromFloat(value)));
    }

    @Test
    void everyCodeSurvivesARoundTrip() {
        for (int code = 0; code < 16; code++) {
            assertEquals(code, Float4E2M1.fromFloat(Float4E2M1.toFloat(code)));
        }
        assertEquals(7, Float4E2M1.fromFloat(Float.NaN));
    }

    @Test
    void everyPairPacksWithTheEvenElementLow() {
        assertEquals((byte) 0x71, Float4E2M1.pack(1, 7));
        for (int packed = 0; packed < 256; packed++) {
            assertEquals(Float4E2M1.toFloat(packed & 15), Float4E2M1.even((byte) packed));
            assertEquals(Float4E2M1.toFloat(packed >> 4), Float4E2M1.odd((byte) packed));
            assertEquals((byte) packed, Float4E2M1.pack(packed & 15, packed >> 4));
        }
    }

    @Property(tries = 200)
    void floatsRoundAsTheOracleSays(@ForAll @IntRange(min = 0x3D000000, max = 0x41000000) int bits) {
        float value = Float.intBitsToFloat(bits);
        int expected = NearestCode.of(Math.min(value, 6), 8, Float4E2M1::toFloat);
        assertEquals(expected, Float4E2M1.fromFloat(value));
        assertEquals(expected | 8, Float4E2M1.fromFloat(-value));
    }
}
