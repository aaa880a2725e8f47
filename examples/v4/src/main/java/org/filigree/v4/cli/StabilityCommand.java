package org.filigree.v4.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.filigree.core.backend.Backend;
import org.filigree.v4.data.Corpus;
import org.filigree.v4.data.CorpusLimits;
import org.filigree.v4.data.CorpusProgress;
import org.filigree.v4.data.CorpusSource;
import org.filigree.v4.data.DataIdentity;
import org.filigree.v4.data.HeldOutWindows;
import org.filigree.v4.data.Split;
import org.filigree.v4.data.TokenStream;
import org.filigree.v4.data.TokenWindows;
import org.filigree.v4.report.Manifest;
import org.filigree.v4.report.RunOutcome;
import org.filigree.v4.stability.Contender;
import org.filigree.v4.stability.StabilityExperiment;
import org.filigree.v4.stability.StabilityPlan;
import org.filigree.v4.stability.StabilityReportFiles;
import org.filigree.v4.stability.StabilityResult;
import org.filigree.v4.stability.StabilityTables;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains deep stacks with each kind of residual connections and reports how much their mixes amplify. */
@Command(
        name = "stability",
        description =
                "Trains stacks of growing depth on source code, with a plain residual, hyper-connections and mHC, and reports"
                        + " composite gains of the residual mixes before and after, as a table and plots.",
        mixinStandardHelpOptions = true)
final class StabilityCommand implements Callable<Integer> {
    private static final double VALIDATION_SHARE = 0.05;
    private static final long MOST_BYTES = 8_000_000;

    @Spec
    @SuppressWarnings("NullAway.Init")
    CommandSpec spec;

    @Option(
            names = "--data",
            paramLabel = "PATH",
            description = "folder, zip or jar; default: lib/src.zip of the running JDK")
    @Nullable
    Path data;

    @Mixin
    final ReportOptions report = new ReportOptions();

    @Option(names = "--depths", split = ",", description = "numbers of sub-layers; default: 8,16,32,64,128")
    @Nullable
    List<Integer> depths;

    @Option(names = "--streams", description = "streams of hyper-connections; default: 4")
    @Nullable
    Integer streams;

    @Option(names = "--width", description = "width of a stream; default: 64")
    @Nullable
    Integer width;

    @Option(names = "--steps", description = "optimiser steps for each stack; default: 150")
    @Nullable
    Integer steps;

    @Option(names = "--batch", description = "windows a step; default: 4")
    @Nullable
    Integer batch;

    @Option(names = "--length", description = "bytes a window; default: 64")
    @Nullable
    Integer length;

    @Option(names = "--rate", description = "highest learning rate; default: 0.01")
    @Nullable
    Double rate;

    @Option(names = "--factor", description = "α of the starts with drawn projections; default: 0.1")
    @Nullable
    Double factor;

    @Override
    public Integer call() throws IOException {
        PrintWriter screen = spec.commandLine().getOut();
        Instant begin = Instant.now();
        StabilityPlan plan = Asked.of(spec.commandLine(), this::asked);
        report.checkOut();
        CorpusSource source = data == null ? CorpusSource.jdk() : CorpusSource.at(data);
        Corpus corpus = Corpus.read(source, CorpusLimits.standard().withMaxBytes(MOST_BYTES), CorpusProgress.SILENT);
        screen.println("Corpus: " + corpus.statistics().summary());
        Split split = Split.of(corpus, VALIDATION_SHARE);
        TokenWindows heldOut = Asked.of(
                spec.commandLine(),
                () -> HeldOutWindows.of(TokenStream.of(split.validation()), plan.length(), plan.heldOutWindows()));
        var experiment = new StabilityExperiment(plan, TokenStream.of(split.train()), heldOut);
        try (Backend computing = report.open(screen)) {
            Manifest manifest = Manifest.starting(
                    begin,
                    computing.name() + ": " + computing.detail(),
                    plan.seed(),
                    spec.commandLine().getParseResult().originalArgs(),
                    DataIdentity.of(source, split));
            int stacks = plan.depths().size()
                    * Contender.all(plan.streams(), plan.factor()).size();
            Files.createDirectories(report.out);
            var soFar = new ArrayList<StabilityResult>();
            List<StabilityResult> results = experiment.run(computing, result -> {
                soFar.add(result);
                screen.println("[" + soFar.size() + "/" + stacks + "] " + line(result));
                screen.flush();
                write(plan, soFar);
            });
            StabilityReportFiles.write(report.out, plan, results, computing);
            screen.println();
            screen.println(StabilityTables.ofStacks(plan, results));
            screen.println(StabilityTables.LEGEND_OF_STACKS);
            manifest.withEnd(RunOutcome.COMPLETED, Instant.now()).write(report.out);
        }
        report.sayWhere(screen);
        return 0;
    }

    private void write(StabilityPlan plan, List<StabilityResult> soFar) {
        try {
            StabilityReportFiles.write(report.out, plan, soFar);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String line(StabilityResult result) {
        return String.format(
                Locale.ROOT,
                "%d sub-layers, %s: %.3f -> %.3f bits per byte, composite gain forward %.4g -> %.4g, backward %.4g -> %.4g",
                result.depth(),
                result.contender().name(),
                result.start().bitsPerByte(),
                result.trained().bitsPerByte(),
                result.start().composite().forward(),
                result.trained().composite().forward(),
                result.start().composite().backward(),
                result.trained().composite().backward());
    }

    private StabilityPlan asked() {
        StabilityPlan base = report.quick ? StabilityPlan.quick() : StabilityPlan.standard();
        return new StabilityPlan(
                depths == null ? base.depths() : depths,
                streams == null ? base.streams() : streams,
                width == null ? base.width() : width,
                steps == null ? base.steps() : steps,
                batch == null ? base.batch() : batch,
                length == null ? base.length() : length,
                rate == null ? base.rate() : rate,
                factor == null ? base.factor() : factor,
                base.heldOutWindows(),
                base.composites(),
                report.seed == null ? base.seed() : report.seed);
    }
}
