package org.filigree.v4.report;

import java.io.Serial;
import java.util.Objects;

/** A report that could not be written or read. The message is one line and names the file. */
public final class ReportException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    ReportException(String message, Throwable cause) {
        super(message, cause);
    }

    /**
     * What went wrong.
     *
     * @return one line
     */
    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }
}
