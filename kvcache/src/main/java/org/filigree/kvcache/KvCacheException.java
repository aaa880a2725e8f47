package org.filigree.kvcache;

/** A cache that cannot do what it was asked; the message names the numbers that disagree. The cache is as it was before the call. */
public final class KvCacheException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** Why a call failed. */
    private final Reason reason;

    /** What went wrong. */
    public enum Reason {
        /** More rows than the cache, or more memory than the machine, can hold. */
        EXHAUSTED,
        /** The cache was closed before. */
        CLOSED,
        /** A length that the cache has not reached, or an end or a position where it does not end. */
        LENGTH,
        /** An end that was read from another cache, layer or fork. */
        FOREIGN_END,
        /** A part that its rows do not have, a number of caches that does not fit, or a cache that a batch lists twice. */
        LAYOUT,
        /** A block that a pool does not have, that holds nothing, that is being written to, or that a table names twice. */
        FOREIGN_BLOCK,
        /** A view of rows, or an end, from before some were taken back or overwritten. */
        STALE,
        /** A file that is no snapshot, is damaged, or is one of other caches. */
        SNAPSHOT
    }

    /**
     * An exception with a full sentence.
     *
     * @param reason what went wrong
     * @param message operation, arguments, the numbers that disagree, the likely fix
     */
    public KvCacheException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /**
     * An exception with a full sentence and its cause.
     *
     * @param reason what went wrong
     * @param message operation, arguments, the numbers that disagree, the likely fix
     * @param cause what was thrown underneath
     */
    public KvCacheException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** {@return what went wrong} */
    public Reason reason() {
        return reason;
    }
}
