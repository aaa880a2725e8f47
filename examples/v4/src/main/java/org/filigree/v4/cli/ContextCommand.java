package org.filigree.v4.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.filigree.core.backend.Backend;
import org.filigree.v4.context.ContextPlan;
import org.filigree.v4.context.ContextReportFiles;
import org.filigree.v4.context.ContextScan;
import org.filigree.v4.context.ContextTiming;
import org.filigree.v4.report.Manifest;
import org.filigree.v4.report.RunOutcome;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
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

    @Mixin
    final ReportOptions report = new ReportOptions();

    @Option(
            names = "--lengths",
            split = ",",
            description = "lengths of the context in tokens; default: 4096, 8192 and so on to 1048576")
    @Nullable
    List<Integer> lengths;

    @Option(names = "--chosen", description = "keys that a query attends to; default: 2048")
    @Nullable
    Integer chosen;

    @Override
    public Integer call() throws IOException {
        PrintWriter screen = spec.commandLine().getOut();
        Instant begin = Instant.now();
        ContextPlan plan = Asked.of(spec.commandLine(), this::asked);
        report.checkOut();
        try (Backend computing = report.open(screen)) {
            Manifest manifest = Manifest.starting(
                    begin,
                    computing.name() + ": " + computing.detail(),
                    plan.seed(),
                    spec.commandLine().getParseResult().originalArgs(),
                    null);
            List<ContextTiming> timings = new ContextScan(plan).run(computing, timing -> {
                screen.println(line(timing));
                screen.flush();
            });
            Files.createDirectories(report.out);
            ContextReportFiles.write(report.out, plan, timings);
            manifest.withEnd(RunOutcome.COMPLETED, Instant.now()).write(report.out);
        }
        if (!plan.measures()) {
            screen.println(ContextReportFiles.NO_MEASUREMENT);
        }
        report.sayWhere(screen);
        return 0;
    }

    private static String line(ContextTiming timing) {
        return String.format(
                Locale.ROOT,
                "%d tokens: scores %.3f ms, choice %.3f ms, attention %.3f ms, again %.3f ms",
                timing.tokens(),
                1e3 * timing.index(),
                1e3 * timing.select(),
                1e3 * timing.attend(),
                1e3 * timing.again());
    }

    private ContextPlan asked() {
        ContextPlan base = report.quick ? ContextPlan.quick() : ContextPlan.standard();
        return new ContextPlan(
                lengths == null ? base.lengths() : lengths,
                chosen == null ? base.chosen() : chosen,
                base.heads(),
                base.indexHeads(),
                base.seconds(),
                report.seed == null ? base.seed() : report.seed);
    }
}
