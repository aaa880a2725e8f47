package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class Pcg64Test {
    @Test
    void drawsWhatNumpyDraws() {
        for (JsonNode each : Golden.at("rng_raw").values()) {
            long[] expected = Golden.longs(each.get("pcg64_raw_u64"));
            var generator = new Pcg64(each.get("seed").asLong());
            for (long word : expected) {
                assertEquals(word, generator.nextLong(), () -> "seed " + each.get("seed"));
            }
        }
    }

    @Test
    void multipliersAreThePublishedOnes() {
        for (JsonNode each : Golden.at("multipliers").values()) {
            long[] expected = Golden.longs(each.get("multipliers"));
            assertArrayEquals(
                    expected,
                    LayerHash.multipliers(
                            each.get("compressed_vocab").asInt(),
                            expected.length,
                            each.get("layer_id").asInt(),
                            each.get("seed").asLong()));
        }
    }

    @Test
    void refusesBoundsThatNumpyDrawsOtherwise() {
        var generator = new Pcg64(1);
        assertEquals(0, generator.nextLong(1));
        assertThrows(IllegalArgumentException.class, () -> generator.nextLong(2));
        assertThrows(IllegalArgumentException.class, () -> generator.nextLong(1L << 32));
        assertTrue(generator.nextLong((1L << 32) + 1) <= 1L << 32);
        assertThrows(IllegalArgumentException.class, () -> new Pcg64(-1));
    }

    @Test
    void rejectsDrawsThatWouldBias() {
        long bound = 0x6000_0000_0000_0001L;
        var generator = new Pcg64(5);
        int low = 0;
        int draws = 3000;
        for (int i = 0; i < draws; i++) {
            long draw = generator.nextLong(bound);
            assertTrue(draw >= 0 && draw < bound);
            low += draw < bound / 2 ? 1 : 0;
        }
        assertEquals(draws / 2.0, low, 5 * Math.sqrt(draws / 4.0));
    }

    @Test
    void refusesVocabulariesBeyondTheScheme() {
        assertEquals(4, LayerHash.multipliers((1 << 30) - 1, 4, 1, 0).length);
        var refused = assertThrows(IllegalArgumentException.class, () -> LayerHash.multipliers(1 << 30, 4, 1, 0));
        assertTrue(refused.toString().contains("1073741824"), refused.toString());
    }
}
