package org.filigree.kvcache;

import java.io.IOException;
import java.nio.file.Path;

/**
 * The caches of a sequence in a file, row by row as they are stored, so that a later process goes on where this one stopped. What comes back
 * is the same to the last bit. Pages are not saved: a sequence written from one form may come back into another, of another capacity or block
 * size, if its rows are stored in the same formats.
 *
 * <p>The file begins with {@code FILIGKVC}, then little endian: version, bytes of the header, CRC32C of the header; then the header,
 * which names every plane with its size and CRC32C; then the planes. It appears whole or not at all, and is read only if every byte of it
 * is as it was written.
 *
 * <p>A snapshot holds the same tokens in all layers, and an entry for each of their complete runs: anything else is neither written nor read.
 */
public final class CacheSnapshot {
    private CacheSnapshot() {}

    /**
     * Writes the caches of a sequence, which are not changed. They may be read meanwhile, and appended to: what is written is a moment at
     * which all layers held as many tokens, or nothing is.
     *
     * @param file to be created or replaced
     * @param label what the rows were computed from: the checkpoint, say, and a digest of the token ids
     * @param sequence the caches
     * @throws IOException if the file cannot be written, its folder is missing among others; an older one is still there then
     * @throws KvCacheException if layers differ in length, entries are not those of the tokens, a cache is closed or no cache of this library,
     *     or rows were taken back or overwritten meanwhile; an older file is still there then
     */
    public static void write(Path file, String label, SequenceCache sequence) throws IOException {
        SnapshotWriter.write(file, label, sequence);
    }

    /**
     * Reads the caches of a sequence. Everything is checked before the first row is taken, and once more as it is taken, so that a file that
     * changes meanwhile is refused too. Caches that were not empty are refused as they are, and after any other exception all are empty, but for
     * those that were closed meanwhile. Nobody else may use the caches meanwhile.
     *
     * @param file what {@link #write} wrote
     * @param label what the rows must have been computed from
     * @param into empty caches for as many layers, whose rows are stored in the same formats
     * @throws IOException if the file is missing or cannot be read
     * @throws KvCacheException if the file is no snapshot, is damaged, cut short or longer than written, contradicts itself, was written by
     *     another version, under another label or for other caches, or if the caches are not empty, closed, or too small
     */
    public static void restore(Path file, String label, SequenceCache into) throws IOException {
        SnapshotReader.restore(file, label, into);
    }

    /**
     * What a snapshot holds, from its header alone, which is compared with its own checksum, and the length of the file. The rows are not
     * read: whether they are as they were written, {@link #restore} finds out.
     *
     * @param file what {@link #write} wrote
     * @return what its header says
     * @throws IOException if the file is missing or cannot be read
     * @throws KvCacheException if the file is no snapshot, its header is damaged, it is cut short or longer than written, or was written by
     *     another version
     */
    public static SnapshotDescription describe(Path file) throws IOException {
        return SnapshotDescription.read(file);
    }
}
