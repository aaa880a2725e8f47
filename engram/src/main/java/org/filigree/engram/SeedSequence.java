package org.filigree.engram;

/**
 * NumPy's {@code SeedSequence}: spreads a seed over a pool of four 32-bit words and draws a generator's initial state from it
 * (O'Neill, "Developing a seed_seq alternative", 2015). Hash multipliers of released tables were drawn this way, so it is kept bit
 * for bit.
 */
final class SeedSequence {
    private static final int POOL = 4;

    private final int[] pool = new int[POOL];

    /**
     * Mixes a seed into the pool.
     *
     * @param seed not negative
     */
    SeedSequence(long seed) {
        if (seed < 0) {
            throw new IllegalArgumentException("SeedSequence: seed must be zero or more but is " + seed);
        }
        int[] entropy = {(int) seed, (int) (seed >>> 32), 0, 0};
        int constant = 0x43b0d7e5;
        for (int i = 0; i < POOL; i++) {
            int next = constant * 0x931e8875;
            pool[i] = hash(entropy[i], constant, next);
            constant = next;
        }
        for (int from = 0; from < POOL; from++) {
            for (int to = 0; to < POOL; to++) {
                if (from != to) {
                    int next = constant * 0x931e8875;
                    pool[to] = mix(pool[to], hash(pool[from], constant, next));
                    constant = next;
                }
            }
        }
    }

    /**
     * The first words that the pool yields, in pairs, the lower half first.
     *
     * @param count how many 64-bit words
     * @return the words
     */
    long[] state(int count) {
        long[] words = new long[count];
        int constant = 0x8b51f9dd;
        for (int i = 0; i < 2 * count; i++) {
            int next = constant * 0x58f38ded;
            long word = hash(pool[i % POOL], constant, next) & 0xFFFFFFFFL;
            constant = next;
            words[i / 2] |= word << (32 * (i % 2));
        }
        return words;
    }

    private static int hash(int value, int before, int after) {
        int v = (value ^ before) * after;
        return v ^ (v >>> 16);
    }

    private static int mix(int a, int b) {
        int v = 0xca01f9dd * a - 0x4973f715 * b;
        return v ^ (v >>> 16);
    }
}
