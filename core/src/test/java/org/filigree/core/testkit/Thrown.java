package org.filigree.core.testkit;

import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.function.Executable;

/** What a refused call says. */
public final class Thrown {
    private Thrown() {}

    /**
     * Requires a call to fail.
     *
     * @param type of the exception
     * @param call what to run
     * @return the exception's message
     */
    public static String message(Class<? extends Throwable> type, Executable call) {
        String message = assertThrows(type, call).getMessage();
        if (message == null) {
            throw new AssertionError("a " + type.getSimpleName() + " without a message");
        }
        return message;
    }
}
