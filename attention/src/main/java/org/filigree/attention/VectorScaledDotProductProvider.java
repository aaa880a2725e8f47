package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.FusedKernel;
import org.filigree.core.backend.KernelProvider;
import org.filigree.core.backend.host.HostBackend;

/** Brings {@link ScaledDotProductKernel} to the vector backend. Public for {@link java.util.ServiceLoader} alone. */
public final class VectorScaledDotProductProvider implements KernelProvider {
    /** For {@link java.util.ServiceLoader}. */
    public VectorScaledDotProductProvider() {}

    @Override
    public String backend() {
        return "vector";
    }

    @Override
    public Class<? extends FusedKernel> type() {
        return ScaledDotProductKernel.class;
    }

    @Override
    public FusedKernel create(Backend backend) {
        return new VectorScaledDotProduct((HostBackend) backend);
    }
}
