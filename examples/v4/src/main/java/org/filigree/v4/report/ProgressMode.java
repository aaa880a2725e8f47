package org.filigree.v4.report;

import java.io.Console;

/** How progress is shown. */
public enum ProgressMode {
    /** One line of a terminal, drawn over and over. */
    IN_PLACE,
    /** A new line every few seconds, for files and build logs. */
    LINES;

    /**
     * What suits the place that the standard output goes to.
     *
     * @return {@link #IN_PLACE} on a terminal that can return to the start of a line, else {@link #LINES}
     */
    @SuppressWarnings("SystemConsoleNull") // It is null again in Java 25 where the output is no terminal.
    public static ProgressMode detect() {
        Console console = System.console();
        boolean terminal = console != null && console.isTerminal() && !"dumb".equals(System.getenv("TERM"));
        return terminal ? IN_PLACE : LINES;
    }
}
