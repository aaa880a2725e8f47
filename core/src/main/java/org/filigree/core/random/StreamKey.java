package org.filigree.core.random;

import java.nio.charset.StandardCharsets;

/**
 * The 128-bit identity of a stream. A child's key is a hash of its parent's key and of the child's name alone. The
 * hash chains the Philox bijection: {@code h <- h xor philox(counter = h, key = m)} over the 64-bit pieces {@code m}
 * of a tag, the length and the name, so that names, indices and seeds never meet.
 */
record StreamKey(long high, long low) {
    private static final StreamKey ROOT = new StreamKey(0x66696C6967726565L, 0x72616E646F6D2031L);
    private static final long SEED = 1L << 56;
    private static final long NAME = 2L << 56;
    private static final long INDEX = 3L << 56;

    static StreamKey ofSeed(long seed) {
        return ROOT.absorb(SEED).absorb(seed);
    }

    StreamKey child(long index) {
        return absorb(INDEX).absorb(index);
    }

    StreamKey child(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        StreamKey key = absorb(NAME | bytes.length);
        for (int start = 0; start < bytes.length; start += Long.BYTES) {
            long piece = 0;
            for (int i = start; i < Math.min(start + Long.BYTES, bytes.length); i++) {
                piece |= (bytes[i] & 0xFFL) << (8 * (i - start));
            }
            key = key.absorb(piece);
        }
        return key;
    }

    private StreamKey absorb(long piece) {
        int[] block = new int[4];
        Philox.block(
                (int) low,
                (int) (low >>> 32),
                (int) high,
                (int) (high >>> 32),
                (int) piece,
                (int) (piece >>> 32),
                block);
        return new StreamKey(high ^ join(block[3], block[2]), low ^ join(block[1], block[0]));
    }

    private static long join(int high, int low) {
        return ((long) high << 32) | (low & 0xFFFFFFFFL);
    }
}
