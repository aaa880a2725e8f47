package org.filigree.engram;

/**
 * NumPy's default generator, PCG64: a 128-bit linear congruential generator with XSL-RR output (O'Neill, "PCG: A Family of Simple
 * Fast Space-Efficient Statistically Good Algorithms for Random Number Generation", 2014), seeded through {@link SeedSequence}.
 * Only for numbers that must agree with released tables; everything else draws from a {@code RandomStream}.
 */
final class Pcg64 {
    private static final long MULTIPLIER_HIGH = 2549297995355413924L;
    private static final long MULTIPLIER_LOW = 4865540595714422341L;

    private final long incrementHigh;
    private final long incrementLow;
    private long high;
    private long low;

    /**
     * The generator that {@code numpy.random.default_rng(seed)} gives.
     *
     * @param seed not negative
     */
    Pcg64(long seed) {
        long[] state = new SeedSequence(seed).state(4);
        incrementHigh = (state[2] << 1) | (state[3] >>> 63);
        incrementLow = (state[3] << 1) | 1;
        step();
        add(state[0], state[1]);
        step();
    }

    /** {@return the next 64 bits} */
    long nextLong() {
        step();
        return Long.rotateRight(high ^ low, (int) (high >>> 58));
    }

    /**
     * Uniform in [0, bound), by Lemire's multiplication with rejection, as {@code integers(0, bound, dtype=int64)}.
     *
     * @param bound 1, or above 2³²
     * @return a value below the bound
     * @throws IllegalArgumentException if the bound is one for which NumPy draws 32 bits at a time, which this class does not
     */
    long nextLong(long bound) {
        if (bound == 1) {
            return 0;
        }
        if (bound <= 1L << 32) {
            throw new IllegalArgumentException(
                    "Pcg64: bound is " + bound
                            + " but must be 1 or above 2^32; smaller bounds are drawn differently by NumPy and nothing here needs them");
        }
        long draw = nextLong();
        if (Long.compareUnsigned(draw * bound, bound) < 0) {
            long threshold = Long.remainderUnsigned(-bound, bound);
            while (Long.compareUnsigned(draw * bound, threshold) < 0) {
                draw = nextLong();
            }
        }
        return Math.unsignedMultiplyHigh(draw, bound);
    }

    private void step() {
        long productHigh =
                Math.unsignedMultiplyHigh(low, MULTIPLIER_LOW) + high * MULTIPLIER_LOW + low * MULTIPLIER_HIGH;
        low *= MULTIPLIER_LOW;
        high = productHigh;
        add(incrementHigh, incrementLow);
    }

    private void add(long otherHigh, long otherLow) {
        low += otherLow;
        high += otherHigh + (Long.compareUnsigned(low, otherLow) < 0 ? 1 : 0);
    }
}
