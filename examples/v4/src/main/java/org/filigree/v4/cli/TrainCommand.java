package org.filigree.v4.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.v4.ConfigFile;
import org.filigree.v4.V4;
import org.filigree.v4.V4Config;
import org.filigree.v4.baseline.BaselineScore;
import org.filigree.v4.baseline.ByteBigram;
import org.filigree.v4.baseline.ByteNgram;
import org.filigree.v4.data.CompletionPrompt;
import org.filigree.v4.data.CompletionPrompts;
import org.filigree.v4.data.Corpus;
import org.filigree.v4.data.CorpusLimits;
import org.filigree.v4.data.CorpusProgress;
import org.filigree.v4.data.CorpusSource;
import org.filigree.v4.data.DataIdentity;
import org.filigree.v4.data.HeldOutWindows;
import org.filigree.v4.data.Split;
import org.filigree.v4.data.TokenStream;
import org.filigree.v4.data.TokenWindows;
import org.filigree.v4.generate.Generator;
import org.filigree.v4.generate.Sampling;
import org.filigree.v4.report.Manifest;
import org.filigree.v4.report.RunOutcome;
import org.filigree.v4.train.RunFolder;
import org.filigree.v4.train.RunPlan;
import org.filigree.v4.train.Trainer;
import org.filigree.v4.train.Trainer.Resume;
import org.filigree.v4.train.TrainingData;
import org.filigree.v4.train.TrainingPlan;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Trains a model on source code, measures it beside baselines and lets it complete code. */
@Command(
        name = "train",
        description =
                "Trains a model on source code, by default the JDK's own, and reports how well it predicts held-out files.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class TrainCommand implements Callable<Integer> {
    private static final int INTERRUPTED = 130;
    /** Options that do not change what a run is. */
    private static final Set<String> OF_ANY_RUN = Set.of("--resume", "--out", "--backend");

    private static final int PROMPTS = 3;
    private static final int PROMPT_BYTES = 200;
    private static final int COMPLETION_BYTES = 120;
    /** The likeliest byte alone ends in runs of spaces. */
    private static final Sampling COMPLETION_SAMPLING = Sampling.of(0.7);

    @Spec
    @SuppressWarnings("NullAway.Init")
    CommandSpec spec;

    @Option(
            names = "--data",
            paramLabel = "PATH",
            description = "folder, zip or jar; default: lib/src.zip of the running JDK")
    @Nullable
    Path data;

    @Option(names = "--out", paramLabel = "DIR", description = "folder for checkpoint, metrics and plot")
    Path out = Path.of("runs", "v4");

    @Option(names = "--preset", description = "${COMPLETION-CANDIDATES}")
    V4Config.Preset preset = V4Config.Preset.TINY;

    @Option(names = "--code", description = "six streams and n-grams up to four tokens, the preset for code")
    boolean code;

    @Option(names = "--steps", description = "optimiser steps")
    int steps = TrainingPlan.standard().steps();

    @Option(names = "--batch", description = "windows a step")
    int batch = TrainingPlan.standard().batch();

    @Option(names = "--length", description = "bytes a window")
    int length = TrainingPlan.standard().length();

    @Option(names = "--rate", description = "highest learning rate")
    double rate = TrainingPlan.standard().peakRate();

    @Option(names = "--seed", description = "of every random choice")
    long seed = TrainingPlan.standard().seed();

    @Option(names = "--max-bytes", description = "largest corpus, files chosen by path hash")
    long maxBytes = CorpusLimits.standard().maxBytes();

    @Option(names = "--validation-share", description = "share of files that are held out")
    double validationShare = 0.05;

    @Option(names = "--held-out-windows", description = "most windows of the last measurement")
    int heldOutWindows = 512;

    @Option(names = "--resume", description = "continue from the checkpoint in --out")
    boolean resume;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    BackendOption backend;

    @Override
    public Integer call() throws IOException {
        PrintWriter screen = spec.commandLine().getOut();
        Resume start = resume ? Resume.FROM_CHECKPOINT : Resume.FRESH;
        var folder = new RunFolder(out);
        checkOut(start);
        RunPlan plan = start == Resume.FRESH ? asked() : continued(RunPlan.read(folder));
        CorpusSource source = plan.data() == null ? CorpusSource.jdk() : CorpusSource.at(Path.of(plan.data()));
        CorpusLimits limits =
                Asked.of(spec.commandLine(), () -> CorpusLimits.standard().withMaxBytes(plan.maxBytes()));
        Corpus corpus = Corpus.read(source, limits, CorpusProgress.SILENT);
        screen.println("Corpus: " + corpus.statistics().summary());
        Split split = Asked.of(spec.commandLine(), () -> Split.of(corpus, plan.validationShare()));
        DataIdentity identity = DataIdentity.of(source, split);
        RunPlan run = sameData(plan, identity, start);
        TokenStream train = TokenStream.of(split.train());
        TokenWindows heldOut = Asked.of(
                spec.commandLine(),
                () -> HeldOutWindows.of(
                        TokenStream.of(split.validation()), run.training().length(), run.heldOutWindows()));
        screen.printf(
                Locale.ROOT,
                "Split: %,d files to train on, %,d held out; measuring on %,d held-out bytes%n",
                split.train().size(),
                split.validation().size(),
                heldOut.byteTargets());
        List<BaselineScore> baselines = List.of(
                ByteBigram.train(train).score(heldOut), ByteNgram.train(train).score(heldOut));
        baselines.forEach(score ->
                screen.printf(Locale.ROOT, "Baseline %s: %.3f bits per byte%n", score.name(), score.bitsPerByte()));
        try (Backend computing = backend.open()) {
            V4Config config = start == Resume.FRESH ? config() : ConfigFile.read(out);
            V4 model = config.init(
                    computing, RandomStream.of(run.training().seed()).fork("model"));
            screen.printf("Model: %s on backend %s (%s)%n", config.cost().line(), computing.name(), computing.detail());
            Manifest manifest = start == Resume.FROM_CHECKPOINT
                    ? Manifest.read(out)
                    : Manifest.starting(
                            Instant.now(),
                            computing.name() + ": " + computing.detail(),
                            run.training().seed(),
                            spec.commandLine().getParseResult().originalArgs(),
                            identity);
            Files.createDirectories(out);
            run.write(folder);
            var trainer = new Trainer(model, run.training(), new TrainingData(train, heldOut, baselines), folder);
            Trainer.Result result = interruptibly(spec.commandLine().getErr(), stop -> {
                Trainer.Result ended = trainer.run(manifest, start, stop::get, screen);
                if (ended.outcome() == RunOutcome.INTERRUPTED) {
                    screen.printf(
                            "Stopped after step %d; continue with: filigree train --resume --out %s%n",
                            ended.steps(), out);
                }
                return ended;
            });
            if (result.outcome() == RunOutcome.INTERRUPTED) {
                return INTERRUPTED;
            }
            summary(screen, result, baselines);
            complete(screen, model, split);
            screen.println("Written to " + out.toAbsolutePath().normalize());
            return 0;
        }
    }

    /** Finds out before any work is done whether the run's folder can be what it should be. */
    private void checkOut(Resume start) {
        if (start == Resume.FROM_CHECKPOINT && !Trainer.resumable(out)) {
            throw refused("--resume: " + out + " holds no training checkpoint");
        }
        if (start == Resume.FRESH && Trainer.resumable(out)) {
            throw refused("--out: " + out
                    + " holds a training checkpoint already; continue it with --resume or choose another folder");
        }
        Path existing = out.toAbsolutePath();
        while (existing.getParent() != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        if (!Files.isDirectory(existing)) {
            throw refused("--out: " + existing + " is a file, not a folder");
        }
        if (!Files.isWritable(existing)) {
            throw refused("--out: " + existing + " cannot be written to");
        }
    }

    private ParameterException refused(String problem) {
        return new ParameterException(spec.commandLine(), problem);
    }

    private RunPlan asked() {
        TrainingPlan standard = TrainingPlan.standard();
        TrainingPlan training = Asked.of(
                spec.commandLine(),
                () -> new TrainingPlan(
                        steps,
                        batch,
                        length,
                        rate,
                        standard.fillInTheMiddleShare(),
                        standard.clip(),
                        standard.evaluateEvery(),
                        standard.saveEvery(),
                        seed));
        String source = data == null ? null : data.toAbsolutePath().normalize().toString();
        return new RunPlan(training, source, maxBytes, validationShare, heldOutWindows, "", "");
    }

    /** A run goes on by its own plan; an option that says otherwise would silently give another run. */
    private RunPlan continued(RunPlan stored) {
        for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
            if (!OF_ANY_RUN.contains(option.longestName())) {
                throw refused(option.longestName()
                        + ": a run is continued with the options that it began with; leave it out");
            }
        }
        return stored;
    }

    private RunPlan sameData(RunPlan plan, DataIdentity identity, Resume start) {
        String train = identity.train().sha256();
        String validation = identity.validation().sha256();
        if (start == Resume.FROM_CHECKPOINT
                && !(train.equals(plan.trainSha256()) && validation.equals(plan.validationSha256()))) {
            throw refused("--resume: the sources are not those that the run in " + out + " began with");
        }
        return plan.withDigests(train, validation);
    }

    private V4Config config() {
        V4Config config = V4Config.predicted(preset).withContext(length);
        return code ? config.forCode() : config;
    }

    private static void summary(PrintWriter screen, Trainer.Result result, List<BaselineScore> baselines) {
        screen.printf("%nBits per byte on held-out files, lower is better:%n");
        screen.printf(Locale.ROOT, "  %-24s %.3f%n", "predicted V4", result.bitsPerByte());
        for (BaselineScore score : baselines) {
            double gap = result.bitsPerByte() - score.bitsPerByte();
            screen.printf(
                    Locale.ROOT,
                    "  %-24s %.3f  (the model is %.3f %s)%n",
                    score.name(),
                    score.bitsPerByte(),
                    Math.abs(gap),
                    gap < 0 ? "better" : "worse");
        }
    }

    private void complete(PrintWriter screen, V4 model, Split split) {
        var generator = new Generator(model);
        List<CompletionPrompt> prompts =
                CompletionPrompts.of(split.validation(), PROMPTS, PROMPT_BYTES, COMPLETION_BYTES);
        for (CompletionPrompt prompt : prompts) {
            String completion = generator.complete(
                    prompt.prompt(),
                    COMPLETION_BYTES,
                    COMPLETION_SAMPLING,
                    RandomStream.of(seed).fork(prompt.path()));
            screen.printf(
                    "%n--- %s%n%s⟦%s⟧%n    the file goes on: ⟦%s⟧%n",
                    prompt.path(), prompt.prompt(), completion, prompt.continuation());
        }
        screen.println();
    }

    /** Runs something that Ctrl-C asks to stop, and holds the JVM until it has saved its work. */
    private static Trainer.Result interruptibly(PrintWriter complaints, Stoppable work) throws IOException {
        var stop = new AtomicBoolean();
        var done = new CountDownLatch(1);
        Thread hook = new Thread(() -> {
            stop.set(true);
            try {
                if (!done.await(60, TimeUnit.SECONDS)) {
                    complaints.println("filigree: the last step took too long; the previous checkpoint stays");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return work.run(stop);
        } finally {
            done.countDown();
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException shuttingDown) {
                // Then the hook is running, and was just told that the work is done.
            }
        }
    }

    private interface Stoppable {
        Trainer.Result run(AtomicBoolean stop) throws IOException;
    }
}
