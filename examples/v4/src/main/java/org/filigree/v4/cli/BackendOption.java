package org.filigree.v4.cli;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option that chooses a backend. */
final class BackendOption {
    @Option(
            names = "--backend",
            paramLabel = "NAME",
            description =
                    "scalar, vector, or what other jars bring; default: -Dfiligree.backend, FILIGREE_BACKEND, else the best")
    @Nullable
    String name;

    Backend open() {
        return name == null ? Backends.best() : Backends.open(name);
    }
}
