package org.filigree.v4.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Entries of a zip or jar. Names are only names here: nothing is unpacked to disk. */
final class ArchiveTree implements SourceTree {
    private final Path path;
    private final Set<String> extensions;
    private final ZipFile zip;

    private ArchiveTree(Path path, Set<String> extensions, ZipFile zip) {
        this.path = path;
        this.extensions = extensions;
        this.zip = zip;
    }

    static ArchiveTree open(CorpusSource source) {
        Path path = source.path();
        try {
            return new ArchiveTree(path, source.extensions(), new ZipFile(path.toFile()));
        } catch (IOException e) {
            throw new CorpusException(
                    CorpusException.Reason.NOT_A_CORPUS,
                    "%s is not a readable zip or jar: %s".formatted(path, Cause.of(e)),
                    e);
        }
    }

    @Override
    public List<Candidate> candidates() {
        return zip.stream()
                .filter(entry -> !entry.isDirectory())
                .map(entry -> new Candidate(
                        SourceTree.canonicalPath(entry.getName()), entry.getName(), Math.max(0, entry.getSize())))
                .filter(file -> SourceExtensions.matches(extensions, file.path()) && !SourceTree.isHidden(file.path()))
                .toList();
    }

    @Override
    public byte[] read(Candidate candidate, int limit) {
        ZipEntry entry = zip.getEntry(candidate.name());
        try (InputStream in = entry == null ? InputStream.nullInputStream() : zip.getInputStream(entry)) {
            return in.readNBytes(limit);
        } catch (IOException e) {
            throw new CorpusException(
                    CorpusException.Reason.UNREADABLE,
                    "cannot read entry %s of %s: %s".formatted(candidate.name(), path, Cause.of(e)),
                    e);
        }
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }
}
