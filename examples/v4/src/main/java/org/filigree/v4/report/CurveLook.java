package org.filigree.v4.report;

/** How a curve is drawn. Colours of Okabe and Ito, which stay apart for colour-blind readers. */
enum CurveLook {
    /** Single training steps, behind the others. */
    FAINT(new Ink(0xbfdbeb, 1.2f, Ink.Dashes.NONE)),
    /** The course of training. */
    STRONG(new Ink(0x0072b2, 2.6f, Ink.Dashes.NONE)),
    /** Measurements now and then, each with a dot. */
    DOTTED(new Ink(0xd55e00, 2.0f, Ink.Dashes.NONE)),
    /** A second series of measurements. */
    SECOND_DOTTED(new Ink(0x0072b2, 2.0f, Ink.Dashes.NONE)),
    /** A third series of measurements. */
    THIRD_DOTTED(new Ink(0xcc79a7, 2.0f, Ink.Dashes.NONE)),
    /** A fourth series of measurements. */
    FOURTH_DOTTED(new Ink(0x009e73, 2.0f, Ink.Dashes.NONE)),
    /** What the third series started from. */
    THIRD_START(new Ink(0xcc79a7, 1.6f, Ink.Dashes.LONG)),
    /** What the fourth series started from. */
    FOURTH_START(new Ink(0x009e73, 1.6f, Ink.Dashes.LONG)),
    /** First level to compare with. */
    FIRST_LEVEL(new Ink(0x6b6b6b, 2.0f, Ink.Dashes.LONG)),
    /** Second level to compare with. */
    SECOND_LEVEL(new Ink(0x009e73, 2.0f, Ink.Dashes.LONG)),
    /** Further levels to compare with. */
    FURTHER_LEVEL(new Ink(0xcc79a7, 2.0f, Ink.Dashes.LONG));

    @SuppressWarnings("ImmutableEnumChecker") // A record of numbers and an enum.
    private final Ink ink;

    CurveLook(Ink ink) {
        this.ink = ink;
    }

    static CurveLook ofLevel(int index) {
        return switch (index) {
            case 0 -> FIRST_LEVEL;
            case 1 -> SECOND_LEVEL;
            default -> FURTHER_LEVEL;
        };
    }

    Ink ink() {
        return ink;
    }

    boolean hasDots() {
        return switch (this) {
            case DOTTED, SECOND_DOTTED, THIRD_DOTTED, FOURTH_DOTTED, THIRD_START, FOURTH_START -> true;
            case FAINT, STRONG, FIRST_LEVEL, SECOND_LEVEL, FURTHER_LEVEL -> false;
        };
    }
}
