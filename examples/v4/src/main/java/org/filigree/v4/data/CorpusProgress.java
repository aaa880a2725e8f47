package org.filigree.v4.data;

/** Told after every file that was read. */
@FunctionalInterface
public interface CorpusProgress {
    /** Tells nobody. */
    CorpusProgress SILENT = (files, bytes, expectedBytes) -> {};

    /**
     * Another file was read.
     *
     * @param files         files kept so far
     * @param bytes         their total size
     * @param expectedBytes upper bound of the total at the end
     */
    void read(int files, long bytes, long expectedBytes);
}
