package org.filigree.v4.data;

import java.io.Serial;
import java.util.Objects;

/** A corpus that cannot be used as it was asked for. The message is one line, and says what to do about it. */
public final class CorpusException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** What is wrong with the corpus. */
    public enum Reason {
        /** Nothing exists at the path. */
        NO_SUCH_PATH,
        /** The path is neither a folder nor a readable zip or jar. */
        NOT_A_CORPUS,
        /** The running Java has no {@code lib/src.zip}. */
        NO_JDK_SOURCES,
        /** A folder, file or archive entry cannot be read. */
        UNREADABLE,
        /** No usable source file was found. */
        EMPTY,
        /** One side of the split has no file. */
        EMPTY_SIDE
    }

    /** What is wrong with the corpus. */
    private final Reason reason;

    CorpusException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    CorpusException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /**
     * What is wrong with the corpus.
     *
     * @return the reason
     */
    public Reason reason() {
        return reason;
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
