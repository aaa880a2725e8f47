package org.filigree.v4.data;

/**
 * How much of a source is read.
 *
 * @param maxBytes     total size of the files that are kept; at most 1 GiB
 * @param maxFileBytes size above which a file is left out, as generated code or data
 */
public record CorpusLimits(long maxBytes, int maxFileBytes) {
    private static final long LARGEST_CORPUS = 1L << 30;

    /**
     * Checks the sizes.
     *
     * @throws IllegalArgumentException if a size is not positive, or the total is above 1 GiB
     */
    public CorpusLimits {
        if (maxBytes < 1 || maxBytes > LARGEST_CORPUS) {
            throw new IllegalArgumentException(
                    "corpus limits: maxBytes (%d) must lie in 1 … %d".formatted(maxBytes, LARGEST_CORPUS));
        }
        if (maxFileBytes < 1) {
            throw new IllegalArgumentException(
                    "corpus limits: maxFileBytes (%d) must be at least 1".formatted(maxFileBytes));
        }
    }

    /**
     * 32 MiB in all and 256 KiB per file. What is larger is mostly generated: the JDK has 18 such files, and one table
     * of 865 KiB on the held-out side of a sample of 8 MiB would be three quarters of all that a model is measured on.
     *
     * @return the default limits
     */
    public static CorpusLimits standard() {
        return new CorpusLimits(32L << 20, 256 << 10);
    }

    /**
     * The same limits with another total.
     *
     * @param bytes total size of the files that are kept
     * @return new limits
     */
    public CorpusLimits withMaxBytes(long bytes) {
        return new CorpusLimits(bytes, maxFileBytes);
    }

    /**
     * The same limits with another size per file.
     *
     * @param bytes size above which a file is left out
     * @return new limits
     */
    public CorpusLimits withMaxFileBytes(int bytes) {
        return new CorpusLimits(maxBytes, bytes);
    }
}
