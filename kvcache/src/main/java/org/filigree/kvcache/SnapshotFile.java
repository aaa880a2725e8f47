package org.filigree.kvcache;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A snapshot that is read, and what errors say of it. Bytes are copied before anybody looks at them: what was compared is what is used, whoever
 * writes to the file meanwhile.
 */
final class SnapshotFile implements AutoCloseable {
    private final String operation;
    private final Path path;
    private final FileChannel channel;
    private final long size;

    private SnapshotFile(String operation, Path path, FileChannel channel, long size) {
        this.operation = operation;
        this.path = path;
        this.channel = channel;
        this.size = size;
    }

    /**
     * Opens a file.
     *
     * @param operation the call, for errors
     * @param path of the file
     */
    static SnapshotFile open(String operation, Path path) throws IOException {
        if (Files.notExists(path)) {
            throw new NoSuchFileException(
                    path.toString(), null, "there is no such file for the " + operation + "; write one first");
        }
        if (Files.isDirectory(path)) {
            throw new FileSystemException(path.toString(), null, "this is a folder, not a file for the " + operation);
        }
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new SnapshotFile(operation, path, channel, channel.size());
        } catch (IOException | RuntimeException | Error failure) {
            channel.close();
            throw failure;
        }
    }

    /** The call and the file, as errors begin. */
    String operation() {
        return operation + ": " + path;
    }

    /** Bytes that it had when it was opened. */
    long size() {
        return size;
    }

    /** Fills what remains of a buffer with the bytes from an offset on, and flips it. */
    void read(long offset, ByteBuffer into) {
        long at = offset;
        while (into.hasRemaining()) {
            int read;
            try {
                read = channel.read(into, at);
            } catch (IOException failure) {
                throw new UncheckedIOException(failure);
            }
            if (read < 0) {
                throw damaged("was cut short while it was read: it ends at byte " + at + " but had " + size
                        + " bytes when it was opened");
            }
            at += read;
        }
        into.flip();
    }

    /** What is to be done about a file that is not as it was written. */
    KvCacheException damaged(String reason) {
        return refused(reason + "; take another copy of the file or compute the rows again");
    }

    KvCacheException refused(String reason) {
        return new KvCacheException(KvCacheException.Reason.SNAPSHOT, operation() + " " + reason);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
