package org.filigree.v4.cli;

import java.nio.file.Path;
import java.util.Objects;
import org.filigree.v4.ConfigFile;
import org.filigree.v4.V4Config;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says what a model costs, without building it. */
@Command(
        name = "info",
        description =
                "Shows parameters, active parameters, KV bytes and FLOPs per token of a model, without building it.",
        mixinStandardHelpOptions = true)
final class InfoCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init")
    CommandSpec spec;

    @ArgGroup(multiplicity = "1")
    @SuppressWarnings("NullAway.Init")
    Source source;

    /** Which model. */
    static final class Source {
        @Option(names = "--preset", description = "${COMPLETION-CANDIDATES}")
        V4Config.@Nullable Preset preset;

        @Option(names = "--model", paramLabel = "DIR", description = "folder of a trained model")
        @Nullable
        Path model;
    }

    @Override
    public void run() {
        V4Config config = source.preset != null
                ? V4Config.predicted(source.preset)
                : ConfigFile.read(Objects.requireNonNull(source.model));
        spec.commandLine().getOut().println(config.cost().table().stripTrailing());
    }
}
