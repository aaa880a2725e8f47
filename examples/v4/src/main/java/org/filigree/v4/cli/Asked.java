package org.filigree.v4.cli;

import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Turns the complaints of configurations about what the user asked for into complaints about options. */
final class Asked {
    private Asked() {}

    /**
     * Builds something from options.
     *
     * @param command whose options
     * @param build refuses impossible values with an IllegalArgumentException
     * @param <T> what is built
     * @return what was built
     * @throws ParameterException if it was refused
     */
    static <T> T of(CommandLine command, Supplier<T> build) {
        try {
            return build.get();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command, String.valueOf(e.getMessage()), e);
        }
    }
}
