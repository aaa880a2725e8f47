package org.filigree.v4.cli;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.filigree.core.backend.BackendException;
import org.filigree.core.io.SafetensorsException;
import org.filigree.v4.ModelException;
import org.filigree.v4.data.CorpusException;
import org.filigree.v4.report.ReportException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;

/** The {@code filigree} command line. Exit code 0: done; 1: failed; 2: asked for something impossible; 130: interrupted. */
@Command(
        name = "filigree",
        description = "Trains and runs reference assemblies of DeepSeek-V4 on the JVM.",
        mixinStandardHelpOptions = true,
        version = "filigree 0.1.0-SNAPSHOT",
        subcommands = {
            TrainCommand.class,
            GenerateCommand.class,
            InfoCommand.class,
            BackendsCommand.class,
            StabilityCommand.class,
            ContextCommand.class
        },
        synopsisSubcommandLabel = "COMMAND")
public final class Main {
    private static final Logger FILIGREE = Logger.getLogger("org.filigree");

    private Main() {}

    /**
     * Runs a command and ends the JVM with its exit code.
     *
     * @param args command and options
     */
    public static void main(String[] args) {
        System.setProperty("java.awt.headless", "true");
        // Commands say themselves which backend they use.
        FILIGREE.setLevel(Level.WARNING);
        int code = commandLine().execute(args);
        System.exit(code);
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(oneLine())
                .setExecutionExceptionHandler(typed());
    }

    private static IParameterExceptionHandler oneLine() {
        return (ParameterException e, String[] args) -> {
            CommandLine command = e.getCommandLine();
            String problem = String.valueOf(e.getMessage()).replace('\n', ' ');
            command.getErr()
                    .println("filigree: " + problem + " (see "
                            + command.getCommandSpec().qualifiedName() + " --help)");
            return CommandLine.ExitCode.USAGE;
        };
    }

    /** What the user can mend gets one line and code 2; anything else is a fault of ours and shows where it came from. */
    private static IExecutionExceptionHandler typed() {
        return (Exception e, CommandLine command, CommandLine.ParseResult result) -> {
            if (isUsersToMend(e)) {
                command.getErr().println("filigree: " + e.getMessage());
                return CommandLine.ExitCode.USAGE;
            }
            command.getErr().println("filigree: failed: " + e);
            e.printStackTrace(command.getErr());
            return CommandLine.ExitCode.SOFTWARE;
        };
    }

    private static boolean isUsersToMend(Exception e) {
        return e instanceof CorpusException
                || e instanceof ModelException
                || e instanceof BackendException
                || e instanceof SafetensorsException
                || e instanceof ReportException;
    }
}
