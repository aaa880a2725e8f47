package org.filigree.v4.data;

import java.nio.charset.StandardCharsets;

/**
 * One file of a corpus.
 *
 * @param path    path inside the source, with {@code /} between names, in Unicode normal form C
 * @param content the bytes: valid UTF-8, not empty, without NUL; shared, not to be written to
 */
@SuppressWarnings("ArrayRecordComponent") // Megabytes, read byte by byte.
public record SourceFile(String path, byte[] content) {
    /**
     * The content as text.
     *
     * @return the decoded bytes
     */
    public String text() {
        return new String(content, StandardCharsets.UTF_8);
    }
}
