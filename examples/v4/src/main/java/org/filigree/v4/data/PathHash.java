package org.filigree.v4.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * The first eight bytes, big-endian, of SHA-256 over {@code purpose NUL path} in UTF-8.
 *
 * <p>The purpose keeps choices independent: were files selected and split by one hash, a size limit would keep the low
 * hashes only, and those lie on one side of the split.
 */
final class PathHash {
    private PathHash() {}

    static long of(String purpose, String path) {
        MessageDigest sha = Sha256.digest();
        sha.update(purpose.getBytes(StandardCharsets.UTF_8));
        sha.update((byte) 0);
        sha.update(path.getBytes(StandardCharsets.UTF_8));
        return ByteBuffer.wrap(sha.digest()).getLong();
    }

    /** The hash as a number in [0, 1), from its upper 53 bits. */
    static double fraction(String purpose, String path) {
        return (of(purpose, path) >>> 11) * 0x1p-53;
    }
}
