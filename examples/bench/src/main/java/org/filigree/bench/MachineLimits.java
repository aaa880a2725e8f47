package org.filigree.bench;

import java.util.function.IntConsumer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.filigree.core.backend.Workers;

/** What this machine can do at best: fused multiply-adds that touch no memory, and copies that touch nothing else. */
final class MachineLimits {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int PEAK_LOOPS = 1 << 16;
    private static final int CHAINS = 12;

    /** Floats of one array, 128 MiB: four times the third-level cache of the machine that the tables were made for. */
    private static final int FLOATS = 1 << 25;

    private static final int CHUNK = 1 << 18;

    private final float[] a = new float[FLOATS];
    private final float[] b = new float[FLOATS];
    private final float[] c = new float[FLOATS];

    /** Keeps results alive; read by nobody. */
    private float sink;

    /** Keeps the last new array alive, so that it is made at all; read by nobody. */
    private float[] allocated = {};

    /** {@return operations per second of one thread, the median of a short run} */
    double peakFlops() {
        Measurement measurement = new Measurement();
        measurement.collect(0.03, () -> sink += multiplyAdds(PEAK_LOOPS));
        return 2.0 * CHAINS * SPECIES.length() * PEAK_LOOPS / measurement.median();
    }

    /** Twelve independent chains hide a latency of up to six cycles at two fused multiply-adds a cycle. */
    private static float multiplyAdds(int loops) {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector y = FloatVector.broadcast(SPECIES, 0.001f);
        FloatVector s0 = x;
        FloatVector s1 = y;
        FloatVector s2 = x;
        FloatVector s3 = y;
        FloatVector s4 = x;
        FloatVector s5 = y;
        FloatVector s6 = x;
        FloatVector s7 = y;
        FloatVector s8 = x;
        FloatVector s9 = y;
        FloatVector s10 = x;
        FloatVector s11 = y;
        for (int i = 0; i < loops; i++) {
            s0 = s0.fma(x, y);
            s1 = s1.fma(x, y);
            s2 = s2.fma(x, y);
            s3 = s3.fma(x, y);
            s4 = s4.fma(x, y);
            s5 = s5.fma(x, y);
            s6 = s6.fma(x, y);
            s7 = s7.fma(x, y);
            s8 = s8.fma(x, y);
            s9 = s9.fma(x, y);
            s10 = s10.fma(x, y);
            s11 = s11.fma(x, y);
        }
        return s0.add(s1)
                .add(s2)
                .add(s3)
                .add(s4)
                .add(s5)
                .add(s6)
                .add(s7)
                .add(s8)
                .add(s9)
                .add(s10)
                .add(s11)
                .lane(0);
    }

    /** {@return seconds that a new array of 64 MiB takes, which the JVM clears on one thread: part of every large result} */
    double allocationSeconds() {
        Measurement measurement = new Measurement();
        measurement.collect(0.3, () -> allocated = new float[FLOATS / 2]);
        return measurement.median();
    }

    /** {@return bytes per second that the pool can move at best, measured shortly} */
    double bandwidth(Workers workers) {
        return Math.max(copyBandwidth(workers, 0.03), triadBandwidth(workers, 0.03));
    }

    /** {@return bytes per second of c = a, read and written bytes both counted} */
    double copyBandwidth(Workers workers, double seconds) {
        return bandwidth(workers, seconds, 2, chunk -> System.arraycopy(a, chunk * CHUNK, c, chunk * CHUNK, CHUNK));
    }

    /** {@return bytes per second of c = a + 3 b, read and written bytes all counted} */
    double triadBandwidth(Workers workers, double seconds) {
        return bandwidth(workers, seconds, 3, chunk -> triad(chunk * CHUNK));
    }

    private void triad(int from) {
        FloatVector three = FloatVector.broadcast(SPECIES, 3f);
        for (int i = from; i < from + CHUNK; i += SPECIES.length()) {
            FloatVector.fromArray(SPECIES, b, i)
                    .fma(three, FloatVector.fromArray(SPECIES, a, i))
                    .intoArray(c, i);
        }
    }

    private static double bandwidth(Workers workers, double seconds, int arrays, IntConsumer chunk) {
        Measurement measurement = new Measurement();
        Runnable pass = () -> workers.parallelFor(FLOATS / CHUNK, chunk::accept);
        measurement.collect(seconds, pass);
        return 4.0 * arrays * FLOATS / measurement.median();
    }
}
