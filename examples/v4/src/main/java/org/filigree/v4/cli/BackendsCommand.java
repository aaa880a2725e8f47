package org.filigree.v4.cli;

import org.filigree.core.backend.Backends;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says which backends there are and which would work here. */
@Command(
        name = "backends",
        description = "Lists the backends, the preferred one first, and why one would not work here.",
        mixinStandardHelpOptions = true)
final class BackendsCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init")
    CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().getOut().println(Backends.report());
    }
}
