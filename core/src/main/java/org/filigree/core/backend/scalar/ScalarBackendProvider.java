package org.filigree.core.backend.scalar;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendProvider;
import org.filigree.core.backend.Probe;

/** Announces the {@code scalar} backend, usable everywhere. */
public final class ScalarBackendProvider implements BackendProvider {
    /** For the service loader. */
    public ScalarBackendProvider() {}

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public int preference() {
        return 0;
    }

    @Override
    public Probe probe() {
        return new Probe.Usable("float32, plain loops, one thread");
    }

    @Override
    public Backend open() {
        return new ScalarBackend();
    }
}
