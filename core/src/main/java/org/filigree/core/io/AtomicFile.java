package org.filigree.core.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Replaces a file so that, whenever the process or the machine dies, the path holds the whole old content or the
 * whole new one: a temporary file in the same folder is written and forced to the disk, renamed over the target, and
 * the folder is forced too.
 *
 * <p>A killed process may leave its temporary file behind; it is named {@code .NAME.….tmp} and no reader takes it for
 * the target. The next write of the same name a minute later or more removes it, where the file system has locks. A symbolic
 * link at the path is replaced, not followed.
 */
public final class AtomicFile {
    private AtomicFile() {}

    /** Writes a file's content to a channel that stands at 0. */
    @FunctionalInterface
    public interface Content {
        /**
         * Writes everything.
         *
         * @param channel open for writing; left open
         * @throws IOException if writing fails; the target then keeps its old content
         */
        void writeTo(FileChannel channel) throws IOException;
    }

    /**
     * Writes text as UTF-8.
     *
     * @param target the file to create or replace
     * @param text   its new content
     * @throws IOException if that fails; the old content is then untouched
     */
    public static void write(Path target, String text) throws IOException {
        write(target, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Writes bytes.
     *
     * @param target the file to create or replace
     * @param bytes  its new content
     * @throws IOException if that fails; the old content is then untouched
     */
    public static void write(Path target, byte[] bytes) throws IOException {
        write(target, channel -> writeFully(channel, ByteBuffer.wrap(bytes)));
    }

    /**
     * Writes what {@code content} writes.
     *
     * @param target  the file to create or replace; its folder must exist
     * @param content called once
     * @throws IOException if that fails; the old content is then untouched
     */
    public static void write(Path target, Content content) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        Path name = target.getFileName();
        if (folder == null || name == null) {
            throw new IOException(target + " is no file's path");
        }
        AbandonedFiles.remove(folder, name.toString());
        Path temporary = folder.resolve(AbandonedFiles.freshName(name.toString()));
        try {
            try (FileChannel channel =
                    FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                AbandonedFiles.claim(channel);
                content.writeTo(channel);
                channel.force(true);
                // Before the claim ends with the channel.
                Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (Throwable failed) {
            deleteAfter(failed, temporary);
            throw failed;
        }
        forceFolder(folder);
    }

    static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static void deleteAfter(Throwable failed, Path temporary) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException alsoFailed) {
            failed.addSuppressed(alsoFailed);
        }
    }

    /** Makes the rename durable. Windows neither needs nor allows it: there a folder cannot be opened as a file. */
    private static void forceFolder(Path folder) throws IOException {
        if (System.getProperty("os.name", "").startsWith("Windows")) {
            return;
        }
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
