package org.filigree.v4.data;

import java.io.IOException;
import java.text.Normalizer;
import java.util.List;

/** An opened folder or archive: its source files, by path. */
sealed interface SourceTree extends AutoCloseable permits FolderTree, ArchiveTree {
    /**
     * A file that may be read.
     *
     * @param path path inside the source, as {@link SourceFile#path}
     * @param name what the tree itself calls it
     * @param size expected size in bytes; an archive may be wrong about it
     */
    record Candidate(String path, String name, long size) {}

    /** Every file with one of the extensions, in any order. */
    List<Candidate> candidates();

    /** At most {@code limit} bytes of a file. */
    byte[] read(Candidate candidate, int limit);

    @Override
    void close() throws IOException;

    static SourceTree open(CorpusSource source) {
        return switch (source) {
            case CorpusSource.Folder folder -> new FolderTree(folder.path(), folder.extensions());
            case CorpusSource.Archive archive -> ArchiveTree.open(archive);
            case CorpusSource.JdkSources jdk -> ArchiveTree.open(jdk);
        };
    }

    /** The same path for the same file on every system: {@code /} between names, normal form C, no leading dot. */
    static String canonicalPath(String name) {
        String path = Normalizer.normalize(name.replace('\\', '/'), Normalizer.Form.NFC);
        return path.startsWith("./") ? path.substring(2) : path;
    }

    static boolean isHidden(String path) {
        return path.startsWith(".") || path.contains("/.");
    }
}
