package org.filigree.core.random;

/**
 * The Philox4x32-10 bijection (Salmon et al. 2011): a 128-bit counter, scrambled by ten rounds of multiply and
 * exclusive-or under a 64-bit key. Counter and result are four 32-bit words.
 */
final class Philox {
    private static final int ROUNDS = 10;
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final long WORD = 0xFFFFFFFFL;

    private Philox() {}

    /** Writes the four words of the block for (counter, key) into {@code block}. */
    static void block(int c0, int c1, int c2, int c3, int key0, int key1, int[] block) {
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = MULTIPLIER_0 * (c0 & WORD);
            long product1 = MULTIPLIER_1 * (c2 & WORD);
            int next0 = (int) (product1 >>> 32) ^ c1 ^ key0;
            int next2 = (int) (product0 >>> 32) ^ c3 ^ key1;
            c1 = (int) product1;
            c3 = (int) product0;
            c0 = next0;
            c2 = next2;
            key0 += WEYL_0;
            key1 += WEYL_1;
        }
        block[0] = c0;
        block[1] = c1;
        block[2] = c2;
        block[3] = c3;
    }
}
