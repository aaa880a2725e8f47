package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.filigree.core.random.RandomStream;
import org.junit.jupiter.api.Test;

class ActivationQuantisationTest {
    @Test
    void fp8QuantisesAHandWorkedGroup() {
        float[] x = {448f, -1f, 17f, 0f, 3.5f, -7f, 0.4375f, 1e-3f};
        Fp8Activation quantised = Fp8Activation.quantise(x, 4, ScaleRounding.CEIL_POWER_OF_TWO);
        assertArrayEquals(new float[] {1f, 0x1p-6f}, quantised.scales());
        assertArrayEquals(new float[] {448f, -1f, 16f, 0f, 3.5f, -7f, 0.4375f, 0x1p-10f}, quantised.dequantise());
    }

    @Test
    void fp8WithoutRoundingMapsTheGreatestOntoTheLargest() {
        Fp8Activation quantised = Fp8Activation.quantise(new float[] {3f, -1.5f}, 2, ScaleRounding.NONE);
        assertEquals(0x7E, quantised.codes()[0]);
        assertEquals((byte) 0xF6, quantised.codes()[1]);
        assertEquals(3f / 448f, quantised.scales()[0]);
    }

    @Test
    void fp4QuantisesAHandWorkedGroup() {
        float[] x = new float[32];
        x[0] = 6f;
        x[1] = -0.2f;
        x[2] = 2.5f;
        x[31] = -5f;
        Fp4Activation quantised = Fp4Activation.quantise(x, Fp4Scale.E8M0);
        assertArrayEquals(new float[] {1f}, quantised.scales());
        assertEquals((byte) 0x87, quantised.packed()[0]);
        assertEquals(2f, quantised.dequantise()[2]);
        assertEquals(-4f, quantised.dequantise()[31]);
    }

    @Test
    void groupsMustFillTheInput() {
        assertThrows(
                IllegalArgumentException.class, () -> Fp8Activation.quantise(new float[129], 128, ScaleRounding.NONE));
        assertThrows(IllegalArgumentException.class, () -> Fp4Activation.quantise(new float[16], Fp4Scale.E8M0));
        assertThrows(IllegalArgumentException.class, () -> new Fp8Activation(new byte[5], new float[2], 2));
        assertEquals(0, Fp4Activation.quantise(new float[0], Fp4Scale.E4M3).dequantise().length);
    }

    @Property(tries = 60)
    void simulationRoundsWhatStorageGivesBack(@ForAll long seed, @ForAll ScaleRounding rounding) {
        float[] x = wild(seed);
        float[] simulated = x.clone();
        Fp8Activation.simulate(simulated, 64, 128, 64, rounding);
        float[] stored = Fp8Activation.quantise(x, 64, rounding).dequantise();
        for (int i = 0; i < x.length; i++) {
            assertEquals(i < 64 || i >= 192 ? x[i] : BFloat16.round(stored[i]), simulated[i]);
        }
    }

    @Property(tries = 60)
    void fp4SimulationRoundsWhatStorageGivesBack(@ForAll long seed, @ForAll Fp4Scale scale) {
        float[] x = wild(seed);
        float[] simulated = x.clone();
        Fp4Activation.simulate(simulated, 0, x.length, scale);
        float[] stored = Fp4Activation.quantise(x, scale).dequantise();
        for (int i = 0; i < x.length; i++) {
            assertEquals(BFloat16.round(stored[i]), simulated[i]);
        }
    }

    /**
     * E4M3 rounds within 2^-4 of a normal value and 2^-10 scales of a subnormal one; E2M1 within a quarter of the
     * value, or a quarter scale.
     */
    @Property(tries = 60)
    void quantisationErrorIsBounded(@ForAll long seed) {
        float[] x = wild(seed);
        Fp8Activation fp8 = Fp8Activation.quantise(x, 32, ScaleRounding.CEIL_POWER_OF_TWO);
        Fp4Activation fp4 = Fp4Activation.quantise(x, Fp4Scale.E8M0);
        float[] from8 = fp8.dequantise();
        float[] from4 = fp4.dequantise();
        for (int i = 0; i < x.length; i++) {
            double bound8 = Math.max(Math.abs(x[i]) * 0x1p-4, fp8.scales()[i / 32] * 0x1p-10);
            assertTrue(Math.abs((double) from8[i] - x[i]) <= bound8);
            double bound4 = Math.max(Math.abs(x[i]) * 0.25, fp4.scales()[i / 32] * 0.25);
            assertTrue(Math.abs((double) from4[i] - x[i]) <= bound4);
        }
    }

    private static float[] wild(long seed) {
        RandomStream random = RandomStream.of(seed);
        float[] x = new float[256];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (random.nextGaussian() * Math.scalb(1.0, random.nextInt(12) - 6));
        }
        return x;
    }
}
