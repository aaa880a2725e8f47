package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AtomicFileTest {
    @TempDir
    Path folder;

    @Test
    void createsAndReplaces() throws IOException {
        Path file = folder.resolve("config.json");
        AtomicFile.write(file, "ä");
        assertEquals("ä", Files.readString(file));
        AtomicFile.write(file, new byte[0]);
        assertArrayEquals(new byte[0], Files.readAllBytes(file));
        assertEquals(1, files());
    }

    @Test
    void aFailureKeepsTheOldContentAndLeavesNothing() throws IOException {
        Path file = folder.resolve("config.json");
        AtomicFile.write(file, "old");
        assertThrows(
                IllegalStateException.class,
                () -> AtomicFile.write(file, channel -> {
                    channel.write(StandardCharsets.UTF_8.encode("new"));
                    throw new IllegalStateException("half way");
                }));
        assertEquals("old", Files.readString(file));
        assertEquals(1, files());
        assertThrows(NoSuchFileException.class, () -> AtomicFile.write(folder.resolve("absent/x"), "x"));
        Path directory = Files.createDirectory(folder.resolve("directory"));
        assertThrows(IOException.class, () -> AtomicFile.write(directory, "x"));
        assertTrue(Files.isDirectory(directory));
        assertEquals(2, files());
    }

    @Test
    void aProcessKilledMidWriteLeavesTheOldContent() throws Exception {
        Path file = folder.resolve("state");
        AtomicFile.write(file, "old");
        Process process = start("half", file);
        try (BufferedReader said = process.inputReader()) {
            assertEquals("half written", said.readLine());
        } finally {
            process.destroyForcibly();
        }
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals("old", Files.readString(file));
        assertEquals(2, files(), "the file and the killed writer's temporary one");
        AtomicFile.write(file, "new");
        assertEquals("new", Files.readString(file));
    }

    @Test
    void whatADeadWriterLeftIsRemovedByTheNextWriteOfTheSameNameOnly() throws Exception {
        Path file = folder.resolve("state");
        Path alike = Files.writeString(folder.resolve(".state.x.0123456789abcdef.tmp"), "of another name");
        Process process = start("half", file);
        Path left;
        try (BufferedReader said = process.inputReader()) {
            assertEquals("half written", said.readLine());
            left = temporaryOf("state");
            rest(left);
            rest(alike);
            AtomicFile.write(file, "other");
            assertTrue(Files.exists(left), "its writer lives");
        } finally {
            process.destroyForcibly();
        }
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        AtomicFile.write(folder.resolve("another"), "x");
        assertTrue(Files.exists(left), "another name's");
        AtomicFile.write(file, "new");
        assertEquals("new", Files.readString(file));
        assertFalse(Files.exists(left));
        assertTrue(Files.exists(alike));
    }

    @Test
    void aWriterOfTheSameProcessKeepsItsFile() throws IOException {
        Path file = folder.resolve("state");
        AtomicFile.write(file, channel -> {
            channel.write(StandardCharsets.UTF_8.encode("outer"));
            rest(temporaryOf("state"));
            AtomicFile.write(file, "inner");
        });
        assertEquals("outer", Files.readString(file));
        assertEquals(1, files());
    }

    private Path temporaryOf(String name) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(
                            file -> String.valueOf(file.getFileName()).matches("\\." + name + "\\.[0-9a-f]{16}\\.tmp"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static void rest(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(120)));
    }

    /**
     * The writer replaces 64 KiB of one byte by 64 KiB of the next as fast as it can; killed anywhere, the file holds
     * one byte only.
     */
    @Test
    void aProcessKilledAnywhereLeavesAWholeContent() throws Exception {
        Path file = folder.resolve("state");
        for (int kill = 0; kill < 3; kill++) {
            Process process = start("loop", file);
            try (BufferedReader said = process.inputReader()) {
                assertEquals("begun", said.readLine());
                Thread.sleep(7 + 13L * kill);
            } finally {
                process.destroyForcibly();
            }
            assertTrue(process.waitFor(20, TimeUnit.SECONDS));
            byte[] bytes = Files.readAllBytes(file);
            assertEquals(AtomicFileKillTarget.SIZE, bytes.length);
            for (byte b : bytes) {
                assertEquals(bytes[0], b);
            }
        }
    }

    private static Process start(String mode, Path file) throws IOException, URISyntaxException {
        String path = root(AtomicFile.class) + System.getProperty("path.separator") + root(AtomicFileKillTarget.class);
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        path,
                        AtomicFileKillTarget.class.getName(),
                        mode,
                        file.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** The folder of classes that a class was loaded from, also where the test classes patch the module. */
    private static Path root(Class<?> type) throws URISyntaxException {
        URI place = Objects.requireNonNull(type.getResource(type.getSimpleName() + ".class"))
                .toURI();
        Path root = Path.of(place);
        for (int i = 0; i < type.getName().split("\\.").length; i++) {
            root = Objects.requireNonNull(root.getParent());
        }
        return root;
    }

    private int files() throws IOException {
        try (var files = Files.list(folder)) {
            return (int) files.count();
        }
    }
}
