package org.filigree.v4.data;

/**
 * Random numbers by address instead of by sequence: draw {@code (seed, step, row, draw)} is always the same number.
 *
 * <p>Each coordinate is folded in through the finaliser of SplitMix64 (Steele, Lea and Flood, 2014), whose avalanche
 * separates neighbouring coordinates.
 */
final class CounterRandom {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private CounterRandom() {}

    static long at(long seed, long step, int row, int draw) {
        long z = mix(seed + GOLDEN_GAMMA);
        z = mix((z ^ step) + GOLDEN_GAMMA);
        z = mix((z ^ row) + GOLDEN_GAMMA);
        return mix((z ^ draw) + GOLDEN_GAMMA);
    }

    /** A number in [0, bound); the bias of the multiplication is below {@code bound / 2^64}. */
    static long below(long bound, long random) {
        return Math.unsignedMultiplyHigh(random, bound);
    }

    /** A number in [0, 1). */
    static double fraction(long random) {
        return (random >>> 11) * 0x1p-53;
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
