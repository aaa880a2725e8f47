package org.filigree.v4.data;

import java.util.List;
import java.util.Locale;

/**
 * A corpus in two parts that share no file.
 *
 * <p>The side of a file follows from its path alone: it is held out where the first 53 bits of SHA-256 over
 * {@code "filigree/split" NUL path}, read as a fraction, are below the held-out share. So a file keeps its side when
 * others come or go, and on any machine.
 *
 * @param validationShare share of files that is held out, in (0, 1)
 * @param train           files to learn from, sorted by path
 * @param validation      files held out, sorted by path
 */
public record Split(double validationShare, List<SourceFile> train, List<SourceFile> validation) {
    private static final String PURPOSE = "filigree/split";

    /**
     * Copies the lists.
     */
    public Split {
        train = List.copyOf(train);
        validation = List.copyOf(validation);
    }

    /**
     * Splits a corpus.
     *
     * @param corpus          the files
     * @param validationShare share of files to hold out, in (0, 1)
     * @return both sides, neither of them empty
     * @throws IllegalArgumentException if the share is not in (0, 1)
     * @throws CorpusException          if one side would be empty
     */
    public static Split of(Corpus corpus, double validationShare) {
        List<SourceFile> train = side(Side.TRAIN, corpus.files(), validationShare);
        List<SourceFile> validation = side(Side.VALIDATION, corpus.files(), validationShare);
        if (train.isEmpty() || validation.isEmpty()) {
            throw new CorpusException(
                    CorpusException.Reason.EMPTY_SIDE,
                    String.format(
                            Locale.ROOT,
                            "no %s file: of the %d files of %s, chosen by path hash at a share of %s, %d train and %d are"
                                    + " held out; use %s",
                            train.isEmpty() ? "training" : "held-out",
                            corpus.files().size(),
                            corpus.source().path(),
                            validationShare,
                            train.size(),
                            validation.size(),
                            train.isEmpty() ? "more files or a smaller share" : "more files or a larger share"));
        }
        return new Split(validationShare, train, validation);
    }

    /**
     * The side of a file.
     *
     * @param path            path of the file inside its source, with {@code /} between names
     * @param validationShare share of files to hold out, in (0, 1)
     * @return the side
     * @throws IllegalArgumentException if the share is not in (0, 1)
     */
    public static Side sideOf(String path, double validationShare) {
        if (!(validationShare > 0 && validationShare < 1)) {
            throw new IllegalArgumentException(
                    "split: validationShare (%s) must lie between 0 and 1, both excluded".formatted(validationShare));
        }
        return PathHash.fraction(PURPOSE, path) < validationShare ? Side.VALIDATION : Side.TRAIN;
    }

    private static List<SourceFile> side(Side side, List<SourceFile> files, double validationShare) {
        return files.stream()
                .filter(file -> sideOf(file.path(), validationShare) == side)
                .toList();
    }
}
