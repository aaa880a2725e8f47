package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.FusedKernel;
import org.filigree.core.backend.KernelProvider;
import org.filigree.core.backend.host.HostBackend;

/** Brings {@link SparseAttentionKernel} to the vector backend. Public for {@link java.util.ServiceLoader} alone. */
public final class VectorSparseAttentionProvider implements KernelProvider {
    /** For {@link java.util.ServiceLoader}. */
    public VectorSparseAttentionProvider() {}

    @Override
    public String backend() {
        return "vector";
    }

    @Override
    public Class<? extends FusedKernel> type() {
        return SparseAttentionKernel.class;
    }

    @Override
    public FusedKernel create(Backend backend) {
        return new VectorSparseAttention((HostBackend) backend);
    }
}
