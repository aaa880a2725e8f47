package org.filigree.core.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * The temporary files of {@link AtomicFile} whose writers were killed. A writer holds a lock on its file, which the operating system
 * takes back however the writer ends; so a file that can be locked and has rested for a while belongs to nobody. The rest covers the
 * moment between a file's creation and its lock.
 */
final class AbandonedFiles {
    private static final Duration REST = Duration.ofMinutes(1);

    private AbandonedFiles() {}

    /** A name for a temporary file that nobody else uses. */
    static String freshName(String target) {
        return "." + target + "."
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()) + ".tmp";
    }

    /** Keeps others from removing the file behind a channel for as long as it is open. */
    static void claim(FileChannel channel) {
        try {
            channel.tryLock();
        } catch (IOException noLocksHere) {
            // Then nobody else can lock it either, which removal takes.
        }
    }

    /** Removes what dead writers of a target have left. It serves tidiness alone: what cannot be removed stays. */
    static void remove(Path folder, String target) {
        Pattern names = Pattern.compile("\\." + Pattern.quote(target) + "\\.[0-9a-f]{16}\\.tmp");
        try (DirectoryStream<Path> found = Files.newDirectoryStream(
                folder,
                file -> names.matcher(String.valueOf(file.getFileName())).matches())) {
            for (Path file : found) {
                removeIfAbandoned(file);
            }
        } catch (IOException | DirectoryIteratorException unreadable) {
            // The write that follows says what is wrong with the folder, if it matters.
        }
    }

    private static void removeIfAbandoned(Path file) {
        try {
            Instant lastWrite = Files.getLastModifiedTime(file).toInstant();
            if (lastWrite.isAfter(Instant.now().minus(REST))) {
                return;
            }
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
                    FileLock lock = channel.tryLock()) {
                if (lock != null) {
                    Files.delete(file);
                }
            }
        } catch (IOException | OverlappingFileLockException inUse) {
            // Somebody else's, or gone meanwhile.
        }
    }
}
