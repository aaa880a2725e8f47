package org.filigree.v4.data;

/**
 * What was kept of a source and what was left out. A file that the total limit left out was not looked into, so it is
 * counted there even if it is binary.
 *
 * @param files       files kept
 * @param bytes       their total size
 * @param tooLarge    files above the size limit per file
 * @param binary      files with a NUL byte
 * @param notUtf8     files that are not valid UTF-8
 * @param empty       files without a byte
 * @param duplicates  archive entries whose path was seen before
 * @param beyondLimit files that no longer fitted into the total limit
 */
public record CorpusStatistics(
        int files, long bytes, int tooLarge, int binary, int notUtf8, int empty, int duplicates, int beyondLimit) {
    /**
     * One line for people.
     *
     * @return for example {@code 812 files, 8.0 MiB (left out: 3 too large, 11205 beyond the limit)}
     */
    public String summary() {
        var skipped = new StringBuilder();
        append(skipped, tooLarge, "too large");
        append(skipped, binary, "binary");
        append(skipped, notUtf8, "not UTF-8");
        append(skipped, empty, "empty");
        append(skipped, duplicates, "duplicate");
        append(skipped, beyondLimit, "beyond the limit");
        String kept = "%d files, %s".formatted(files, ByteSize.of(bytes));
        return skipped.isEmpty() ? kept : kept + " (left out: " + skipped + ")";
    }

    private static void append(StringBuilder line, int count, String what) {
        if (count == 0) return;
        if (!line.isEmpty()) line.append(", ");
        line.append(count).append(' ').append(what);
    }
}
