package org.filigree.v4.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.io.ParameterFile;
import org.filigree.core.io.TrainingCheckpoint;
import org.filigree.core.io.TrainingCheckpoint.Progress;
import org.filigree.core.nn.Context;
import org.filigree.core.optim.GradientNorm;
import org.filigree.core.optim.Optimizer;
import org.filigree.core.optim.Schedule;
import org.filigree.moe.BiasBalancer;
import org.filigree.moe.RoutingListener;
import org.filigree.v4.ConfigFile;
import org.filigree.v4.V4;
import org.filigree.v4.data.Batches;
import org.filigree.v4.data.TokenWindows;
import org.filigree.v4.report.LossPlot;
import org.filigree.v4.report.Manifest;
import org.filigree.v4.report.MetricsLog;
import org.filigree.v4.report.ProgressLine;
import org.filigree.v4.report.ProgressMode;
import org.filigree.v4.report.ReferenceLine;
import org.filigree.v4.report.RunOutcome;
import org.filigree.v4.report.TrainMetric;
import org.filigree.v4.report.ValidationMetric;

/** Trains a model on batches of source code, measuring, saving and showing progress on the way. */
public final class Trainer {
    /** Windows of a measurement on the way; the last one uses them all. */
    private static final int QUICK_WINDOWS = 64;
    /** Of the experts' correction biases, as in V3 and V4. */
    private static final double BALANCE_SPEED = 0.001;

    private final V4 model;
    private final TrainingPlan plan;
    private final TrainingData data;
    private final RunFolder folder;
    private final Optimizer optimizer;
    private final Schedule schedule;
    private final BiasBalancer balancer = new BiasBalancer(BALANCE_SPEED);

    /**
     * A trainer of one model.
     *
     * @param model what is trained
     * @param plan how long and how fast
     * @param data on what
     * @param folder where files go
     */
    public Trainer(V4 model, TrainingPlan plan, TrainingData data, RunFolder folder) {
        this.model = model;
        this.plan = plan;
        this.data = data;
        this.folder = folder;
        this.optimizer = Optimizers.of(model.parameters());
        this.schedule = plan.schedule();
    }

    /**
     * How a run ended.
     *
     * @param outcome completed or interrupted
     * @param steps optimiser steps done
     * @param bitsPerByte last measurement on held-out files, NaN if there was none
     */
    public record Result(RunOutcome outcome, long steps, double bitsPerByte) {}

    /**
     * Trains until all steps are done or somebody asks to stop. A run that was complete already is only measured again.
     *
     * @param manifest what is known of the run so far
     * @param resume whether to continue from the folder's checkpoint
     * @param stop asked before every step whether to end here
     * @param out where progress goes
     * @return how it ended
     * @throws IOException if a file cannot be written
     */
    public Result run(Manifest manifest, Resume resume, BooleanSupplier stop, PrintWriter out) throws IOException {
        Files.createDirectories(folder.path());
        Progress progress = resume == Resume.FROM_CHECKPOINT
                ? TrainingCheckpoint.load(folder.training(), model.parameters(), optimizer)
                : Progress.of(0);
        long first = progress.steps();
        var clock = new TrainingClock(
                first,
                tokensPerStep(),
                Double.parseDouble(progress.notes().getOrDefault("seconds", "0")),
                System.nanoTime());
        ConfigFile.write(folder.path(), model.config());
        manifest.write(folder.path());
        var batches = new Batches(data.train(), data.batchConfig(plan));
        long step = first;
        double bits = Double.NaN;
        try (MetricsLog log = first > 0 ? MetricsLog.resume(folder.path(), first) : MetricsLog.create(folder.path());
                ProgressLine line =
                        ProgressLine.start(out, ProgressMode.detect(), first, first * tokensPerStep(), plan.steps())) {
            while (step < plan.steps() && !stop.getAsBoolean()) {
                TrainMetric metric = step(batches, step, clock);
                step++;
                log.append(metric);
                line.update(step, metric.tokens(), metric.loss());
                if (step % plan.evaluateEvery() == 0 && step < plan.steps()) {
                    measure(step, QUICK_WINDOWS, clock, log, line);
                }
                if (step % plan.saveEvery() == 0 && step < plan.steps()) {
                    save(step, clock);
                }
            }
            save(step, clock);
            ParameterFile.save(folder.model(), model.parameters(), Map.of("format", "pt"));
            if (step == plan.steps()) {
                bits = measure(step, data.heldOut().count(), clock, log, line);
            }
            log.writeCsv();
            // Not after an interruption: Java2D cannot start while the JVM is shutting down.
            if (step == plan.steps()) {
                plot(log);
            }
        }
        RunOutcome outcome = step == plan.steps() ? RunOutcome.COMPLETED : RunOutcome.INTERRUPTED;
        manifest.withEnd(outcome, Instant.now()).write(folder.path());
        return new Result(outcome, step, bits);
    }

    private void plot(MetricsLog log) {
        List<ReferenceLine> lines = data.baselines().stream()
                .map(score -> new ReferenceLine(score.name(), score.bitsPerByte()))
                .toList();
        new LossPlot("Predicted V4 on source code", log.metrics(), lines).write(folder.path());
    }

    private double measure(long step, int most, TrainingClock clock, MetricsLog log, ProgressLine line) {
        TokenWindows windows =
                data.heldOut().slice(0, Math.min(most, data.heldOut().count()));
        double bits = Loss.bitsPerByte(model, windows, plan.batch());
        log.append(new ValidationMetric(step, step * tokensPerStep(), clock.seconds(), bits, windows.byteTargets()));
        line.say(String.format(
                Locale.ROOT, "step %d: %.3f bits per byte on %,d held-out bytes", step, bits, windows.byteTargets()));
        return bits;
    }

    private long tokensPerStep() {
        return (long) plan.batch() * plan.length();
    }

    /** Where training starts. */
    public enum Resume {
        /** From the first step. */
        FRESH,
        /** From the checkpoint in the run's folder. */
        FROM_CHECKPOINT
    }

    private TrainMetric step(Batches batches, long step, TrainingClock clock) {
        Loss.Parts loss = Loss.of(model, batches.at(step), Context.training().with(RoutingListener.KEY, balancer));
        double value = loss.tokens().item();
        Gradients gradients = Autograd.backward(loss.total());
        GradientNorm.Clipped clipped = GradientNorm.clip(model.parameters(), gradients, plan.clip());
        if (!Double.isFinite(value) || !Double.isFinite(clipped.norm())) {
            throw new ArithmeticException("step " + step + " has loss " + value + " and gradient norm " + clipped.norm()
                    + "; lower the learning rate, the last checkpoint is unharmed");
        }
        double rate = schedule.rate(step);
        optimizer.step(clipped.gradients(), rate);
        balancer.step();
        long done = step + 1;
        return new TrainMetric(
                done,
                done * tokensPerStep(),
                clock.seconds(),
                value,
                rate,
                clipped.norm(),
                clock.tokensPerSecond(done));
    }

    private void save(long step, TrainingClock clock) throws IOException {
        TrainingCheckpoint.save(
                folder.training(),
                model.parameters(),
                optimizer,
                new Progress(step, Map.of(), Map.of("seconds", Double.toString(clock.seconds()))));
    }

    /**
     * Whether a folder holds a checkpoint to continue from.
     *
     * @param folder folder of a run
     * @return true if there is one
     */
    public static boolean resumable(Path folder) {
        return Files.exists(new RunFolder(folder).training());
    }
}
