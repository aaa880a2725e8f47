package org.filigree.v4.report;

/**
 * A line to draw with.
 *
 * @param rgb    colour, {@code 0xrrggbb}
 * @param width  width in units of the canvas
 * @param dashes whether it is broken
 */
record Ink(int rgb, float width, Dashes dashes) {
    /** Whether a line is broken. */
    enum Dashes {
        /** A whole line. */
        NONE,
        /** Dashes of 9 units with gaps of 6. */
        LONG
    }

    static final float DASH = 9;
    static final float GAP = 6;
}
