package org.filigree.v4.data;

import java.io.IOException;

/** The reason of a failed read in one line. */
final class Cause {
    private Cause() {}

    static String of(IOException e) {
        String kind = e.getClass().getSimpleName();
        String message = e.getMessage();
        return message == null
                ? kind
                : kind + " (" + message.lines().findFirst().orElse("") + ")";
    }
}
