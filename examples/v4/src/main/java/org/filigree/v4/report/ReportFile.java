package org.filigree.v4.report;

import java.io.IOException;
import java.nio.file.Path;
import org.filigree.core.io.AtomicFile;

/** Replaces a file as a whole, and names it where that fails. */
final class ReportFile {
    private ReportFile() {}

    static void write(Path file, byte[] content) {
        try {
            AtomicFile.write(file, content);
        } catch (IOException e) {
            throw new ReportException("cannot write %s: %s".formatted(file, e), e);
        }
    }
}
