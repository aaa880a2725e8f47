package org.filigree.v4.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.filigree.core.backend.Backend;
import org.filigree.v4.context.ContextPlan;
import org.filigree.v4.context.ContextReportFiles;
import org.filigree.v4.context.ContextScan;
import org.filigree.v4.context.ContextTiming;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures a decode step of sparse attention as its context grows. */
@Command(
        name = "context",
        description =
                "Measures the parts of a decode step of sparse attention over an FP8 cache as the context grows to a million"
                        + " tokens, and reports them as a table and a plot.",
        mixinStandardHelpOptions = true)
final class ContextCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    CommandSpec spec;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "folder for table and plot; default: ${DEFAULT-VALUE}",
            defaultValue = "runs/context")
    Path out = Path.of("runs", "context");

    @Option(names = "--quick", description = "two short contexts: shows in seconds that it works")
    boolean quick;

    @Option(
            names = "--lengths",
            split = ",",
            description = "lengths of the context in tokens; default: 4096, 8192 and so on to 1048576")
    @Nullable
    List<Integer> lengths;

    @Option(names = "--chosen", description = "keys that a query attends to; default: 2048")
    @Nullable
    Integer chosen;

    @Option(names = "--seed", description = "of keys and queries; default: 42")
    @Nullable
    Long seed;

    @Mixin
    final BackendOption backend = new BackendOption();

    @Override
    public Integer call() throws IOException {
        PrintWriter screen = spec.commandLine().getOut();
        ContextPlan plan = Asked.of(spec.commandLine(), this::asked);
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new ParameterException(spec.commandLine(), "--out: " + out + " is a file, not a folder");
        }
        try (Backend computing = backend.open()) {
            screen.println("backend: " + computing.name() + ": " + computing.detail());
            List<ContextTiming> timings = new ContextScan(plan).run(computing, timing -> {
                screen.println(line(timing));
                screen.flush();
            });
            Files.createDirectories(out);
            ContextReportFiles.write(out, plan, timings);
        }
        screen.println("Written to " + out.toAbsolutePath().normalize());
        return 0;
    }

    private static String line(ContextTiming timing) {
        return String.format(
                Locale.ROOT,
                "%d tokens: scores %.3f ms, choice %.3f ms, attention %.3f ms",
                timing.tokens(),
                1e3 * timing.index(),
                1e3 * timing.select(),
                1e3 * timing.attend());
    }

    private ContextPlan asked() {
        ContextPlan base = quick ? ContextPlan.quick() : ContextPlan.standard();
        return new ContextPlan(
                lengths == null ? base.lengths() : lengths,
                chosen == null ? base.chosen() : chosen,
                base.heads(),
                base.indexHeads(),
                base.seconds(),
                seed == null ? base.seed() : seed);
    }
}
