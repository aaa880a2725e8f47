package org.filigree.mhc;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.FusedKernel;
import org.filigree.core.backend.KernelProvider;
import org.filigree.core.backend.host.HostBackend;

/** Brings {@link SinkhornKernel} to the vector backend. Public for {@link java.util.ServiceLoader} alone. */
public final class VectorSinkhornProvider implements KernelProvider {
    /** For {@link java.util.ServiceLoader}. */
    public VectorSinkhornProvider() {}

    @Override
    public String backend() {
        return "vector";
    }

    @Override
    public Class<? extends FusedKernel> type() {
        return SinkhornKernel.class;
    }

    @Override
    public FusedKernel create(Backend backend) {
        return new VectorSinkhorn((HostBackend) backend);
    }
}
