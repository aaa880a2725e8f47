package org.filigree.core.backend.host;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Workers;

/** A backend whose tensors are Java arrays: {@link HostFloats} and {@link HostInts}. Fused kernels for it may read them directly. */
public interface HostBackend extends Backend {
    /** {@return the threads that kernels share} */
    Workers workers();
}
