package org.filigree.core.tensor;

/** Shapes, element types or backends that do not fit together; the message names operation, arguments, numbers and the likely fix. */
public final class ShapeException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception with a full sentence.
     *
     * @param message operation, arguments, the numbers that disagree, the likely fix
     */
    public ShapeException(String message) {
        super(message);
    }
}
