package org.filigree.v4.report;

/**
 * How a text is set.
 *
 * @param size   height of the font in units of the canvas
 * @param weight how bold
 * @param anchor which point of the text a position means
 * @param turn   whether it reads upwards
 */
record Lettering(int size, Weight weight, Anchor anchor, Turn turn) {
    /** How bold a text is. */
    enum Weight {
        /** Plain. */
        PLAIN,
        /** Bold. */
        BOLD
    }

    /** Which point of the base line is placed. */
    enum Anchor {
        /** Its start. */
        START,
        /** Its middle. */
        MIDDLE,
        /** Its end. */
        END
    }

    /** Which way a text reads. */
    enum Turn {
        /** From left to right. */
        NONE,
        /** From bottom to top. */
        UPWARDS
    }

    static Lettering plain(int size, Anchor anchor) {
        return new Lettering(size, Weight.PLAIN, anchor, Turn.NONE);
    }
}
