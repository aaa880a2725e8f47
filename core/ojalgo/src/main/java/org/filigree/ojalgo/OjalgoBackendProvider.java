package org.filigree.ojalgo;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendProvider;
import org.filigree.core.backend.Probe;

/** Announces the {@code ojalgo} backend: usable wherever its jar is, and never taken unless asked for by name. */
public final class OjalgoBackendProvider implements BackendProvider {
    static final String DETAIL = "float64, ojAlgo";

    /** For the service loader. */
    public OjalgoBackendProvider() {}

    @Override
    public String name() {
        return OjalgoBackend.NAME;
    }

    @Override
    public int preference() {
        return -100;
    }

    @Override
    public Probe probe() {
        return new Probe.Usable(DETAIL);
    }

    @Override
    public Backend open() {
        return new OjalgoBackend();
    }
}
