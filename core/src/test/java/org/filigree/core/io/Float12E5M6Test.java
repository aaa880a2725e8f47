package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Float12E5M6Test {
    @ParameterizedTest
    @CsvSource({
        "1, 3C0",
        "1.5, 3E0",
        "1.0078125, 3C0",
        "1.00781262, 3C1",
        "1.0234375, 3C2",
        "65024, 7BF",
        "65535, 7C0",
        "-2.75, C18",
        "6.1e-5, 040",
        "1e-6, 001",
        "3e-8, 000",
        "Infinity, 7C0",
        "-Infinity, FC0",
        "-0.0, 800",
        "NaN, 7E0"
    })
    void narrowsTheListedValues(float value, String code) {
        assertEquals(code, String.format("%03X", Float12E5M6.fromFloat(value)));
    }

    @Test
    void everyNormalCodeSurvivesARoundTrip() {
        for (int code = 0x40; code <= 0x7C0; code++) {
            assertEquals(code, Float12E5M6.fromFloat(Float12E5M6.toFloat(code)));
            assertEquals(code | 0x800, Float12E5M6.fromFloat(Float12E5M6.toFloat(code | 0x800)));
        }
    }

    @Property(tries = 200)
    void normalFloatsRoundAsTheOracleSays(@ForAll @IntRange(min = 0x38800000, max = 0x477E0000) int bits) {
        float value = Float.intBitsToFloat(bits);
        assertEquals(NearestCode.of(value, 0x7C0, Float12E5M6::toFloat), Float12E5M6.fromFloat(value));
    }

    @Property(tries = 100)
    void packingIsReversible(@ForAll @Size(8) List<@IntRange(max = 0xFFF) Integer> drawn) {
        int[] codes = drawn.stream().mapToInt(Integer::intValue).toArray();
        int[] words = new int[5];
        Float12E5M6.pack(codes, 0, words, 1);
        int[] back = new int[10];
        Float12E5M6.unpack(words, 1, back, 2);
        assertArrayEquals(codes, Arrays.copyOfRange(back, 2, 10));
    }

    @Test
    void packsTheFirstCodeIntoTheUppermostBits() {
        int[] words = new int[3];
        Float12E5M6.pack(new int[] {0x123, 0x456, 0x789, 0xABC, 0xDEF, 0x012, 0x345, 0x678}, 0, words, 0);
        assertArrayEquals(new int[] {0x12345678, 0x9ABCDEF0, 0x12345678}, words);
    }
}
