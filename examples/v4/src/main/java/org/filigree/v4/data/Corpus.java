package org.filigree.v4.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;

/**
 * Source files held in memory.
 *
 * <p>Where a source is larger than the limit, files are taken in the order of a hash of their path as long as they fit:
 * a sample across the whole source that is the same on every machine and whatever order a file system lists in.
 *
 * @param source     where the files were read from
 * @param files      the files, sorted by path
 * @param statistics what was kept and what was left out
 */
public record Corpus(CorpusSource source, List<SourceFile> files, CorpusStatistics statistics) {
    private static final String PURPOSE = "filigree/corpus";

    /**
     * A file with the place of its path in the order of selection.
     *
     * @param hash      the place
     * @param candidate the file
     */
    private record Ranked(long hash, SourceTree.Candidate candidate) {}

    /**
     * Copies the list.
     */
    public Corpus {
        files = List.copyOf(files);
    }

    /**
     * Reads a source.
     *
     * @param source   folder, archive or JDK
     * @param limits   how much to read
     * @param progress told after every file
     * @return at least one file
     * @throws CorpusException if the source cannot be read, or holds no usable file
     */
    public static Corpus read(CorpusSource source, CorpusLimits limits, CorpusProgress progress) {
        try (SourceTree tree = SourceTree.open(source)) {
            Corpus corpus = new Reader(source, limits, progress).read(tree);
            if (corpus.files.isEmpty()) {
                throw new CorpusException(
                        CorpusException.Reason.EMPTY,
                        "no usable source file in %s: %s; looked for %s"
                                .formatted(
                                        source.path(),
                                        corpus.statistics.summary(),
                                        String.join(
                                                " ",
                                                source.extensions().stream()
                                                        .sorted()
                                                        .map(extension -> "." + extension)
                                                        .toList())));
            }
            return corpus;
        } catch (IOException e) {
            throw new CorpusException(
                    CorpusException.Reason.UNREADABLE, "cannot close %s: %s".formatted(source.path(), Cause.of(e)), e);
        }
    }

    /** Counts what one pass over a tree meets. */
    private static final class Reader {
        private final CorpusSource source;
        private final CorpusLimits limits;
        private final CorpusProgress progress;
        private final List<SourceFile> kept = new ArrayList<>();
        private long bytes;
        private int tooLarge;
        private int binary;
        private int notUtf8;
        private int empty;
        private int duplicates;
        private int beyondLimit;

        Reader(CorpusSource source, CorpusLimits limits, CorpusProgress progress) {
            this.source = source;
            this.limits = limits;
            this.progress = progress;
        }

        Corpus read(SourceTree tree) {
            List<SourceTree.Candidate> candidates = tree.candidates();
            long available =
                    candidates.stream().mapToLong(SourceTree.Candidate::size).sum();
            long expected = Math.min(available, limits.maxBytes());
            var seen = new HashSet<String>();
            for (SourceTree.Candidate candidate : inOrderOfSelection(candidates)) {
                if (!seen.add(candidate.path())) {
                    duplicates++;
                } else if (accept(tree, candidate)) {
                    progress.read(kept.size(), bytes, expected);
                }
            }
            kept.sort(Comparator.comparing(SourceFile::path));
            return new Corpus(
                    source,
                    kept,
                    new CorpusStatistics(
                            kept.size(), bytes, tooLarge, binary, notUtf8, empty, duplicates, beyondLimit));
        }

        private static List<SourceTree.Candidate> inOrderOfSelection(List<SourceTree.Candidate> candidates) {
            return candidates.stream()
                    .map(candidate -> new Ranked(PathHash.of(PURPOSE, candidate.path()), candidate))
                    .sorted(Comparator.comparingLong(Ranked::hash)
                            .thenComparing(ranked -> ranked.candidate().path()))
                    .map(Ranked::candidate)
                    .toList();
        }

        private boolean accept(SourceTree tree, SourceTree.Candidate candidate) {
            if (candidate.size() > limits.maxFileBytes()) {
                tooLarge++;
                return false;
            }
            if (bytes + candidate.size() > limits.maxBytes()) {
                beyondLimit++;
                return false;
            }
            int enough = limits.maxFileBytes() == Integer.MAX_VALUE ? Integer.MAX_VALUE : limits.maxFileBytes() + 1;
            byte[] content = tree.read(candidate, enough);
            if (content.length == 0) {
                empty++;
            } else if (content.length > limits.maxFileBytes()) {
                tooLarge++;
            } else if (hasNul(content)) {
                binary++;
            } else if (!isUtf8(content)) {
                notUtf8++;
            } else if (bytes + content.length > limits.maxBytes()) {
                beyondLimit++;
            } else {
                kept.add(new SourceFile(candidate.path(), content));
                bytes += content.length;
                return true;
            }
            return false;
        }

        private static boolean hasNul(byte[] content) {
            for (byte b : content) {
                if (b == 0) return true;
            }
            return false;
        }

        private static boolean isUtf8(byte[] content) {
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content));
                return true;
            } catch (CharacterCodingException e) {
                return false;
            }
        }
    }
}
