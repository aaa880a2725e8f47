package org.filigree.v4.cli;

import java.nio.file.Path;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.v4.V4;
import org.filigree.v4.generate.Generator;
import org.filigree.v4.generate.Sampling;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Continues a text, or fills the gap before a suffix. */
@Command(
        name = "generate",
        description =
                "Continues a prompt with a trained model; with --suffix, fills the gap between prompt and suffix.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class GenerateCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init")
    CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "folder of a trained model")
    @SuppressWarnings("NullAway.Init")
    Path model;

    @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "what to continue")
    @SuppressWarnings("NullAway.Init")
    String prompt;

    @Option(names = "--suffix", paramLabel = "TEXT", description = "what comes after the gap")
    @Nullable
    String suffix;

    @Option(names = "--bytes", description = "most bytes to generate")
    int bytes = 200;

    @Option(names = "--temperature", description = "0 takes the likeliest byte always")
    double temperature = 0;

    @Option(names = "--seed", description = "of the sampling")
    long seed = 42;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    BackendOption backend;

    @Override
    public void run() {
        Sampling sampling = Asked.of(spec.commandLine(), () -> Sampling.of(temperature));
        Asked.of(spec.commandLine(), () -> {
            Check.positive("--bytes", bytes);
            return bytes;
        });
        try (Backend computing = backend.open()) {
            var generator = new Generator(V4.load(model, computing));
            RandomStream random = RandomStream.of(seed);
            String text = suffix == null
                    ? generator.complete(prompt, bytes, sampling, random)
                    : generator.fill(prompt, suffix, bytes, sampling, random);
            spec.commandLine().getOut().println(prompt + text + (suffix == null ? "" : suffix));
        }
    }
}
