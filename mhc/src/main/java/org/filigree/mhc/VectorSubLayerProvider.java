package org.filigree.mhc;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.FusedKernel;
import org.filigree.core.backend.KernelProvider;
import org.filigree.core.backend.host.HostBackend;

/** Brings {@link SubLayerKernel} to the vector backend. Public for {@link java.util.ServiceLoader} alone. */
public final class VectorSubLayerProvider implements KernelProvider {
    /** For {@link java.util.ServiceLoader}. */
    public VectorSubLayerProvider() {}

    @Override
    public String backend() {
        return "vector";
    }

    @Override
    public Class<? extends FusedKernel> type() {
        return SubLayerKernel.class;
    }

    @Override
    public FusedKernel create(Backend backend) {
        return new VectorSubLayer((HostBackend) backend);
    }
}
