package org.filigree.v4.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.filigree.v4.data.CorpusException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
    private static final CorpusLimits LIMITS = CorpusLimits.standard();

    @TempDir
    private Path temp;

    @Test
    void readsAFolderAndTheSameFilesZippedAlike() throws IOException {
        Map<String, byte[]> files = sources(20);
        Corpus folder = read(folder("a", files), LIMITS);
        Corpus zip = read(zip("a.zip", files), LIMITS);

        assertEquals(20, folder.files().size());
        assertEquals(paths(folder), paths(zip));
        for (int i = 0; i < 20; i++) {
            assertArrayEquals(
                    folder.files().get(i).content(), zip.files().get(i).content());
        }
        assertEquals(folder.statistics(), zip.statistics());
        assertEquals(paths(folder).stream().sorted().toList(), paths(folder));
    }

    @Test
    void countsWhatItLeavesOut() throws IOException {
        var files = new LinkedHashMap<String, byte[]>();
        files.put("Good.java", bytes("class Good {}"));
        files.put("other.py", bytes("def f(): pass"));
        files.put("Empty.java", new byte[0]);
        files.put("Binary.java", new byte[] {'a', 0, 'b'});
        files.put("Latin.java", new byte[] {'a', (byte) 0xe9, 'b'});
        files.put("Huge.java", new byte[LIMITS.maxFileBytes() + 1]);
        files.put("image.png", new byte[] {1, 2, 3});
        files.put(".git/Hidden.java", bytes("class Hidden {}"));
        files.put("a/.Hidden.java", bytes("class Hidden {}"));

        for (CorpusSource source : List.of(folder("left-out", files), zip("left-out.zip", files))) {
            Corpus corpus = read(source, LIMITS);
            assertEquals(List.of("Good.java", "other.py"), paths(corpus));
            assertEquals(new CorpusStatistics(2, 26, 1, 1, 1, 1, 0, 0), corpus.statistics());
            assertEquals(
                    "2 files, 26 bytes (left out: 1 too large, 1 binary, 1 not UTF-8, 1 empty)",
                    corpus.statistics().summary());
        }
    }

    @Test
    void readsAFileOfExactlyTheLargestSize() throws IOException {
        byte[] content = bytes("x".repeat(10));
        CorpusSource source = folder("exact", Map.of("A.java", content));
        assertEquals(1, read(source, LIMITS.withMaxFileBytes(10)).statistics().files());
        assertEquals(Reason.EMPTY, failure(source, LIMITS.withMaxFileBytes(9)).reason());
        assertEquals(1, read(source, LIMITS.withMaxBytes(10)).statistics().files());
        assertEquals(Reason.EMPTY, failure(source, LIMITS.withMaxBytes(9)).reason());
    }

    @Test
    void choosesTheSameSampleInAnyOrder() throws IOException {
        Map<String, byte[]> files = sources(60);
        List<String> names = new ArrayList<>(files.keySet());
        CorpusLimits half = LIMITS.withMaxBytes(
                files.values().stream().mapToInt(b -> b.length).sum() / 2);
        List<String> sample = paths(read(zip("order.zip", files), half));
        assertTrue(sample.size() > 10 && sample.size() < 50, sample::toString);

        var random = new Random(7);
        for (int i = 0; i < 5; i++) {
            Collections.shuffle(names, random);
            var shuffled = new LinkedHashMap<String, byte[]>();
            names.forEach(name -> shuffled.put(name, files.get(name)));
            Corpus corpus = read(zip("order" + i + ".zip", shuffled), half);
            assertEquals(sample, paths(corpus));
            assertEquals(60, corpus.statistics().files() + corpus.statistics().beyondLimit());
            assertTrue(corpus.statistics().bytes() <= half.maxBytes());
        }
    }

    @Test
    void tellsItsProgress() throws IOException {
        var calls = new ArrayList<Integer>();
        Corpus corpus = Corpus.read(folder("progress", sources(5)), LIMITS, (files, bytes, expected) -> {
            calls.add(files);
            assertTrue(bytes <= expected);
        });
        assertEquals(List.of(1, 2, 3, 4, 5), calls);
        assertEquals(5, corpus.files().size());
    }

    @Test
    void readsTheSourcesOfAGivenJdk() throws IOException {
        Files.createDirectories(temp.resolve("jdk/lib"));
        Path home = temp.resolve("jdk");
        CorpusException missing = assertThrows(CorpusException.class, () -> CorpusSource.jdk(home));
        assertEquals(Reason.NO_JDK_SOURCES, missing.reason());
        assertOneLine(missing, "--data");

        write(home.resolve("lib/src.zip"), Map.of("java.base/A.java", bytes("class A {}"), "b.c", bytes("int b;")));
        assertEquals(List.of("java.base/A.java"), paths(read(CorpusSource.jdk(home), LIMITS)));
    }

    @Test
    void refusesWhatIsNoCorpus() throws IOException {
        CorpusException missing = assertThrows(CorpusException.class, () -> CorpusSource.at(temp.resolve("nowhere")));
        assertEquals(Reason.NO_SUCH_PATH, missing.reason());
        assertOneLine(missing, "nowhere");

        Path text = Files.writeString(temp.resolve("A.java"), "class A {}");
        CorpusException noZip = failure(CorpusSource.at(text), LIMITS);
        assertEquals(Reason.NOT_A_CORPUS, noZip.reason());
        assertOneLine(noZip, "A.java");

        CorpusException empty = failure(folder("none", Map.of("a.txt", bytes("text"))), LIMITS);
        assertEquals(Reason.EMPTY, empty.reason());
        assertOneLine(empty, ".java");
    }

    @Test
    void namesTheEntryThatCannotBeRead() throws IOException {
        Path path = temp.resolve("damaged.zip");
        byte[] noise = new byte[4000];
        new Random(3).nextBytes(noise);
        for (int i = 0; i < noise.length; i++) noise[i] = (byte) ('a' + (noise[i] & 15));
        write(path, Map.of("a/Broken.java", noise));
        byte[] zip = Files.readAllBytes(path);
        for (int i = 200; i < 400; i++) zip[i] ^= 0x55;
        Files.write(path, zip);

        CorpusException damaged = failure(CorpusSource.at(path), LIMITS);
        assertEquals(Reason.UNREADABLE, damaged.reason());
        assertOneLine(damaged, "a/Broken.java");

        Files.write(path, Arrays.copyOf(zip, zip.length / 2));
        assertEquals(Reason.NOT_A_CORPUS, failure(CorpusSource.at(path), LIMITS).reason());
    }

    @Test
    void givesPathsTheSameFormEverywhere() {
        assertEquals("a/b/C.java", SourceTree.canonicalPath("a\\b\\C.java"));
        assertEquals("a/C.java", SourceTree.canonicalPath("./a/C.java"));
        assertEquals("\u00e9.java", SourceTree.canonicalPath("e\u0301.java"));
        assertTrue(SourceTree.isHidden("a/.b/C.java"));
        assertFalse(SourceTree.isHidden("a.b/C.java"));
    }

    private static void assertOneLine(CorpusException e, String part) {
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    private static CorpusException failure(CorpusSource source, CorpusLimits limits) {
        return assertThrows(CorpusException.class, () -> read(source, limits));
    }

    private static Corpus read(CorpusSource source, CorpusLimits limits) {
        return Corpus.read(source, limits, CorpusProgress.SILENT);
    }

    private static List<String> paths(Corpus corpus) {
        return corpus.files().stream().map(SourceFile::path).toList();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Map<String, byte[]> sources(int count) {
        var files = new LinkedHashMap<String, byte[]>();
        for (int i = 0; i < count; i++) {
            files.put("p%d/C%d.java".formatted(i % 3, i), bytes("class C%d {%s}".formatted(i, " ".repeat(i))));
        }
        return files;
    }

    private CorpusSource folder(String name, Map<String, byte[]> files) throws IOException {
        Path folder = Files.createDirectories(temp.resolve(name));
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            Path path = folder.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.write(path, file.getValue());
        }
        return CorpusSource.at(folder);
    }

    private CorpusSource zip(String name, Map<String, byte[]> files) throws IOException {
        Path path = temp.resolve(name);
        write(path, files);
        return CorpusSource.at(path);
    }

    private static void write(Path path, Map<String, byte[]> files) throws IOException {
        try (var zip = new ZipOutputStream(Files.newOutputStream(path))) {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                zip.putNextEntry(new ZipEntry(file.getKey()));
                zip.write(file.getValue());
                zip.closeEntry();
            }
        }
    }
}
