package org.filigree.mhc;

/** Logits that no mix can be made of: NaN or +∞ among them. */
public final class NaNLogitsException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /** Which matrix, in row-major order of the outer axes. */
    private final int matrix;

    /**
     * An exception with a full sentence.
     *
     * @param message operation, which logits, the likely cause
     * @param matrix the first matrix concerned, in row-major order of the outer axes
     */
    public NaNLogitsException(String message, int matrix) {
        super(message);
        this.matrix = matrix;
    }

    /** {@return the first matrix concerned, so which token's, in row-major order of the outer axes} */
    public int matrix() {
        return matrix;
    }
}
