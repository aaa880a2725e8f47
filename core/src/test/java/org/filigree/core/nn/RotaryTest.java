package org.filigree.core.nn;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class RotaryTest {
    /** Implementations of pow differ in the last bit, and the ramp may carry that along. */
    private static final int LAST_BITS = 2;

    private static void assertBits(Map<Integer, Integer> expected, float[] actual) {
        expected.forEach((i, bits) -> {
            int apart = Math.abs(Float.floatToRawIntBits(actual[i]) - bits);
            assertTrue(
                    apart <= LAST_BITS,
                    () -> "frequency " + i + ": " + actual[i] + " but expected " + Float.intBitsToFloat(bits));
        });
    }

    @Test
    void yarnOfV3() {
        float[] frequencies = Frequencies.Yarn.of(10_000, 4096, 40).of(64);
        assertEquals(32, frequencies.length);
        assertEquals(1f, frequencies[0]);
        assertBits(
                Map.of(
                        1, 0x3F3FF911,
                        10, 0x3D6655C2,
                        15, 0x3C088D77,
                        16, 0x3BB43959,
                        20, 0x3A4F3E37,
                        23, 0x380BD472,
                        31, 0x365FBA50),
                frequencies);
    }

    @Test
    void yarnOfV4() {
        float[] frequencies = Frequencies.Yarn.of(160_000, 65_536, 16).of(64);
        assertBits(
                Map.of(
                        1, 0x3F300A3A,
                        10, 0x3CC1B019,
                        15, 0x3B6E4237,
                        16, 0x3B147AE1,
                        20, 0x399BB3AF,
                        23, 0x383E9B5F,
                        25, 0x36B443D0,
                        31, 0x35187C4D),
                frequencies);
    }

    @Test
    void plainFrequencies() {
        assertArrayEquals(new float[] {1, 0.1f, 0.01f}, new Frequencies.Plain(1000).of(6), 1e-7f);
        assertThrows(IllegalArgumentException.class, () -> new Frequencies.Plain(10).of(5));
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void theInverseTurnsBack(Backend backend) {
        Rotary rotary = new Rotary(6, new Frequencies.Plain(10_000));
        Tensor x = Sample.gaussian("x", Seed.of("RotaryTest"), 2, 5, 3, 6).on(backend);
        Rotary.Table table = rotary.table(backend, 11, 5);
        for (Pairing pairing : Pairing.values()) {
            Tensor back = table.inverse().rotate(pairing, table.rotate(pairing, x));
            assertClose(pairing.name(), x, back, Tolerance.float32(2));
        }
    }

    @Test
    void tablesOfAnyStartAndStrideAgree() {
        Backend backend = TestBackends.get("scalar");
        Rotary rotary = new Rotary(4, new Frequencies.Plain(100));
        float[] whole = rotary.table(backend, 0, 9).cos().toFloats();
        float[] part = rotary.table(backend, 2, 3, 2).cos().toFloats();
        assertArrayEquals(new float[] {whole[4], whole[5], whole[10], whole[11]}, part);
        assertEquals(Math.sin(3f), rotary.table(backend, 3, 1).sin().toFloats()[0], 1e-7);
    }
}
