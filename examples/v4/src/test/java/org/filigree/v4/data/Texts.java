package org.filigree.v4.data;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Small corpora made up for tests. */
public final class Texts {
    private Texts() {}

    /** Files of the given sizes; texts over a small alphabet, so that n-grams recur. */
    public static List<SourceFile> files(long seed, int... sizes) {
        var random = new Random(seed);
        var files = new ArrayList<SourceFile>();
        for (int i = 0; i < sizes.length; i++) {
            byte[] content = new byte[sizes[i]];
            for (int j = 0; j < content.length; j++) content[j] = (byte) ('a' + random.nextInt(random.nextInt(6) + 1));
            files.add(new SourceFile("f" + i + ".java", content));
        }
        return files;
    }

    /** A file of a text. */
    public static SourceFile file(String path, String text) {
        return new SourceFile(path, text.getBytes(StandardCharsets.UTF_8));
    }

    static Corpus corpus(List<SourceFile> files) {
        long bytes = files.stream().mapToLong(file -> file.content().length).sum();
        return new Corpus(
                new CorpusSource.Folder(Path.of("made-up")),
                files,
                new CorpusStatistics(files.size(), bytes, 0, 0, 0, 0, 0, 0));
    }
}
