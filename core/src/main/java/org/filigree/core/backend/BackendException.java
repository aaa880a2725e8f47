package org.filigree.core.backend;

/** A backend that was asked for is not there or not usable; the message lists every candidate and why. */
public final class BackendException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception with a full sentence.
     *
     * @param message what was asked for, and what there is
     */
    public BackendException(String message) {
        super(message);
    }
}
