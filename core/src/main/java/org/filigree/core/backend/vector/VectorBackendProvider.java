package org.filigree.core.backend.vector;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendProvider;
import org.filigree.core.backend.Probe;

/** Announces the {@code vector} backend, usable where {@code jdk.incubator.vector} is readable. */
public final class VectorBackendProvider implements BackendProvider {
    private static final String MODULE = "jdk.incubator.vector";

    /** For the service loader. */
    public VectorBackendProvider() {}

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int preference() {
        return 100;
    }

    @Override
    public Probe probe() {
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            return new Probe.Unusable(
                    "the module " + MODULE + " is not in this JVM; on the class path start java with --add-modules "
                            + MODULE + " (on the module path no flag is needed)");
        }
        return new Probe.Usable(
                "float32, jdk.incubator.vector, " + Runtime.getRuntime().availableProcessors() + " threads");
    }

    @Override
    public Backend open() {
        return VectorBackend.open();
    }
}
