package org.filigree.v4;

/** A model's folder cannot be used; the message says in one line which file and why. */
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception with a full sentence.
     *
     * @param message which file, and why
     * @param cause what went wrong beneath
     */
    public ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
