package org.filigree.v4.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.filigree.core.backend.Backend;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the commands that measure something and leave a report share. */
final class ReportOptions {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init")
    CommandSpec command;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "folder for table and plots; default: ${DEFAULT-VALUE}",
            defaultValue = "runs/${COMMAND-NAME}")
    @SuppressWarnings("NullAway.Init")
    Path out;

    @Option(names = "--quick", description = "smallest sizes: shows in seconds that it works")
    boolean quick;

    @Option(names = "--seed", description = "of every random choice; default: 42")
    @Nullable
    Long seed;

    @Mixin
    final BackendOption backend = new BackendOption();

    /** Finds out before any work is done whether there can be a folder for the report. */
    void checkOut() {
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new ParameterException(command.commandLine(), "--out: " + out + " is a file, not a folder");
        }
    }

    /** Opens the backend and says which one it is. */
    Backend open(PrintWriter screen) {
        Backend computing = backend.open();
        screen.println("Backend: " + computing.name() + ": " + computing.detail());
        return computing;
    }

    void sayWhere(PrintWriter screen) {
        screen.println("Written to " + out.toAbsolutePath().normalize());
    }
}
