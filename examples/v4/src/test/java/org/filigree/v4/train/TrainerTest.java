package org.filigree.v4.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.random.RandomStream;
import org.filigree.v4.AttentionSizes;
import org.filigree.v4.ExpertSizes;
import org.filigree.v4.MemorySizes;
import org.filigree.v4.V4;
import org.filigree.v4.V4Config;
import org.filigree.v4.baseline.ByteBigram;
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
import org.filigree.v4.train.Trainer.Result;
import org.filigree.v4.train.Trainer.Resume;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
    private static final V4Config CONFIG = new V4Config(
            261,
            16,
            2,
            2,
            4,
            new AttentionSizes(2, 12, 8, 6, 4, 5, 4, 8, 6, 10_000),
            new ExpertSizes(4, 2, 1, 8),
            new MemorySizes(List.of(1), 3, 2, 4, 101),
            24,
            1e-6);

    @TempDir
    Path folder;

    private DataIdentity identity;
    private TrainingData data;

    @BeforeEach
    void writeSources() throws IOException {
        Path sources = Files.createDirectories(folder.resolve("sources"));
        for (int i = 0; i < 40; i++) {
            Files.writeString(
                    sources.resolve("File" + i + ".java"),
                    "class File" + i + " {\n    int value() {\n        return " + i + ";\n    }\n}\n");
        }
        CorpusSource source = CorpusSource.at(sources);
        Corpus corpus = Corpus.read(source, CorpusLimits.standard(), CorpusProgress.SILENT);
        Split split = Split.of(corpus, 0.3);
        identity = DataIdentity.of(source, split);
        TokenStream train = TokenStream.of(split.train());
        TokenWindows heldOut = HeldOutWindows.of(TokenStream.of(split.validation()), 24, 8);
        data = new TrainingData(train, heldOut, List.of(ByteBigram.train(train).score(heldOut)));
    }

    private static TrainingPlan plan(int steps) {
        return new TrainingPlan(steps, 4, 24, 1e-2, 0.5, 1, 4, 3, 7);
    }

    private Result train(V4 model, int steps, Path out, Resume resume, BooleanSupplier stop) throws IOException {
        Manifest manifest = Manifest.starting(Instant.EPOCH, model.backend().name(), 7, List.of("train"), identity);
        var screen = new PrintWriter(Writer.nullWriter());
        return new Trainer(model, plan(steps), data, new RunFolder(out)).run(manifest, resume, stop, screen);
    }

    @Test
    void learnsAndLeavesEverythingBehind() throws IOException {
        try (Backend backend = Backends.open("vector")) {
            V4 model = CONFIG.init(backend, RandomStream.of(1));
            double before = Loss.bitsPerByte(model, data.heldOut(), 4);
            Path out = folder.resolve("run");
            Result result = train(model, 12, out, Resume.FRESH, () -> false);
            assertEquals(RunOutcome.COMPLETED, result.outcome());
            assertTrue(result.bitsPerByte() < before - 1, before + " bits became " + result.bitsPerByte());
            for (String name : List.of(
                    "config.json",
                    "manifest.json",
                    "metrics.jsonl",
                    "metrics.csv",
                    "loss.png",
                    "loss.svg",
                    "model.safetensors",
                    "training.safetensors")) {
                assertTrue(Files.size(out.resolve(name)) > 0, name);
            }
            V4 loaded = V4.load(out, backend);
            assertEquals(result.bitsPerByte(), Loss.bitsPerByte(loaded, data.heldOut(), 4));
            assertEquals(
                    new Generator(model).complete("class ", 8, Sampling.greedy(), RandomStream.of(1)),
                    new Generator(loaded).complete("class ", 8, Sampling.greedy(), RandomStream.of(1)));
        }
    }

    @Test
    void anInterruptedRunContinuesBitwise() throws IOException {
        try (Backend backend = Backends.open("vector")) {
            V4 whole = CONFIG.init(backend, RandomStream.of(1));
            train(whole, 8, folder.resolve("whole"), Resume.FRESH, () -> false);

            Path out = folder.resolve("interrupted");
            V4 broken = CONFIG.init(backend, RandomStream.of(1));
            Result first = train(broken, 8, out, Resume.FRESH, after(3));
            assertEquals(RunOutcome.INTERRUPTED, first.outcome());
            assertEquals(3, first.steps());
            V4 resumed = CONFIG.init(backend, RandomStream.of(99));
            assertEquals(
                    8,
                    train(resumed, 8, out, Resume.FROM_CHECKPOINT, () -> false).steps());
            whole.parameters()
                    .forEach((path, parameter) -> assertArrayEquals(
                            parameter.value().toFloats(),
                            resumed.parameters().get(path).value().toFloats(),
                            path));
        }
    }

    /** Says stop once it was asked so many times: the trainer asks once before every step. */
    private static BooleanSupplier after(int steps) {
        var asked = new AtomicInteger();
        return () -> asked.getAndIncrement() >= steps;
    }
}
