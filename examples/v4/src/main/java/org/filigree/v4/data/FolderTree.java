package org.filigree.v4.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Regular files below a folder; symbolic links are not followed, so a cycle cannot occur. */
final class FolderTree implements SourceTree {
    private final Path root;
    private final Set<String> extensions;

    FolderTree(Path root, Set<String> extensions) {
        this.root = root;
        this.extensions = extensions;
    }

    @Override
    public List<Candidate> candidates() {
        var found = new ArrayList<Candidate>();
        try {
            Path start = root.toRealPath();
            Files.walkFileTree(start, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                    boolean hidden = !folder.equals(start) && SourceTree.isHidden(String.valueOf(folder.getFileName()));
                    return hidden ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    String name = start.relativize(file).toString();
                    String separator = file.getFileSystem().getSeparator();
                    String path = SourceTree.canonicalPath(name.replace(separator, "/"));
                    boolean source = attributes.isRegularFile() && SourceExtensions.matches(extensions, path);
                    if (source && !SourceTree.isHidden(path)) {
                        found.add(new Candidate(path, name, attributes.size()));
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new CorpusException(
                    CorpusException.Reason.UNREADABLE, "cannot list %s: %s".formatted(root, Cause.of(e)), e);
        }
        return found;
    }

    @Override
    public byte[] read(Candidate candidate, int limit) {
        try (InputStream in = Files.newInputStream(root.resolve(candidate.name()))) {
            return in.readNBytes(limit);
        } catch (IOException e) {
            throw new CorpusException(
                    CorpusException.Reason.UNREADABLE,
                    "cannot read %s: %s".formatted(root.resolve(candidate.name()), Cause.of(e)),
                    e);
        }
    }

    @Override
    public void close() {}
}
